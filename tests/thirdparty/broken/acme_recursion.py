"""Calls itself for ever when it is imported."""


def turn(depth):
    return turn(depth + 1)


turn(0)
