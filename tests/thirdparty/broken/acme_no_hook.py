"""Offers nothing."""

ANSWER = 42
