"""Intervals of a schedule: `30m`, `6h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta

__all__ = ["interval_fault", "interval_of"]

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_WRITTEN = re.compile(r"([1-9]\d{0,4})([mhd])", re.ASCII)


def interval_fault(text: object) -> str | None:
    """Say what is wrong with an interval, or None.

    Example:
        >>> interval_fault("6h") is None
        True
        >>> interval_fault("90s")
        "must be a number of minutes, hours or days such as 30m, 6h or 1d, got '90s'"
    """
    if isinstance(text, str) and _WRITTEN.fullmatch(text):
        return None
    return f"must be a number of minutes, hours or days such as 30m, 6h or 1d, got {text!r}"


def interval_of(text: str) -> timedelta:
    """Return how long a sound interval is."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{interval_fault(text)}")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
