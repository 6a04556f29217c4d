"""Raises what is no Exception when it is imported."""


class Halt(BaseException):
    """Not caught by `except Exception`."""


raise Halt("acme halts")
