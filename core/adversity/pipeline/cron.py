"""Cron expressions and time zones, checked when the file is read and not at midnight."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["cron_fault", "timezone_fault"]

_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    (
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_PART = re.compile(r"(\*|[a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?(?:/(\d{1,2}))?", re.ASCII)


def cron_fault(text: object) -> str | None:
    """Say what is wrong with a cron expression of five fields, or None.

    Example:
        >>> cron_fault("0 2 * * *") is None
        True
        >>> cron_fault("0 25 * * *")
        "hour must be 0 to 23, got '25'"
    """
    fields = text.lower().split() if isinstance(text, str) else []
    if len(fields) != len(_FIELDS):
        return f"must have five fields (minute hour day month weekday), got {text!r}"
    for (name, low, high, names), field in zip(_FIELDS, fields, strict=True):
        if not all(_part_holds(part, low, high, names) for part in field.split(",")):
            return f"{name} must be {low} to {high}, got {field!r}"
    _, _, days, months, weekdays = fields
    if weekdays.startswith("*") and not _date_exists(days, months):
        return f"never fires: no month {months} has a day {days}; correct day or month"
    return None


def _date_exists(days: str, months: str) -> bool:
    """Say whether one of the months has one of the days, in a leap year at least."""
    lengths = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    first = min(_numbers(days, 2))
    return any(lengths[month - 1] >= first for month in _numbers(months, 3))


def _numbers(field: str, place: int) -> set[int]:
    """Return the numbers that a sound field stands for."""
    _, low, high, names = _FIELDS[place]
    found: set[int] = set()
    for first, last, every in map(_groups, field.split(",")):
        start = low if first == "*" else _number(first, low, names)
        end = _number(last, low, names) if last else start
        if last is None and (first == "*" or every):  # `5/10` goes on from 5
            end = high
        found |= set(range(start, end + 1, int(every or 1)))
    return found


def _groups(part: str) -> tuple[str, str | None, str | None]:
    match = _PART.fullmatch(part)
    return (match[1], match[2], match[3]) if match else ("*", None, None)


def _part_holds(part: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    first, last, every = match.groups()
    if every is not None and not 1 <= int(every) <= high:
        return False
    if first == "*":
        return last is None
    ends = [_number(end, low, names) for end in (first, last or first)]
    return all(low <= end <= high for end in ends) and ends[0] <= ends[1]


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.isdigit():
        return int(text)
    return names.index(text) + low if text in names else -1


def timezone_fault(text: object) -> str | None:
    """Say what is wrong with an IANA time zone, or None."""
    try:
        if isinstance(text, str) and ZoneInfo(text).key == text:
            return None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    return f"must be an IANA time zone such as Europe/Warsaw or UTC, got {text!r}"
