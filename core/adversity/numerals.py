"""Numbers in text, as people write them in tables and pipeline files."""

from __future__ import annotations

import math
import re
from fractions import Fraction

__all__ = ["exact_number", "number_in", "parse_number"]

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""Python's `float` reads more: `nan`, `1_000`, digits of other scripts."""
_LONG_EXPONENT = re.compile(r"[eE][+-]?[0-9_]{4}")
"""An exponent that no float64 has; as an exact number it would fill the memory."""


def number_in(value: object) -> float | None:
    """Return the finite number that a value is, or that its text says; None if it is none.

    Example:
        >>> [number_in(value) for value in (2, " 2.5 ", "1_000", "nan", None)]
        [2.0, 2.5, None, None, None]
    """
    if isinstance(value, str):
        text = value.strip()
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        return number if math.isfinite(number) else None
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number is told apart right here
    except (TypeError, ValueError):
        return None


def exact_number(text: str) -> Fraction | None:
    """Read a matrix value, `3`, `0.5` or `4/255`, as the number that a parameter takes it for.

    Example:
        >>> exact_number("0.5/255"), exact_number("none")
        (Fraction(1, 510), None)
    """
    if _LONG_EXPONENT.search(text):
        return None
    top, sign, bottom = text.partition("/")
    if "/" in bottom:
        return None
    try:
        return Fraction(top) / Fraction(bottom) if sign else Fraction(top)
    except (ValueError, ZeroDivisionError):
        return None


def parse_number(text: object) -> float | None:
    """Read `3`, `0.5` or `4/255` as a number; None for anything else."""
    number = exact_number(str(text))
    try:
        return None if number is None else float(number)
    except OverflowError:
        return None
