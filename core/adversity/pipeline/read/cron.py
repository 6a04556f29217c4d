"""Cron expressions and time zones, checked when the file is read and not at midnight."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

__all__ = ["clock_changes", "cron_fault", "timezone_fault"]

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
_HOURS = 24
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
    numbers: set[int] = set()
    for first, last, every in map(_groups, field.split(",")):
        start = low if first == "*" else _number(first, low, names)
        end = _number(last, low, names) if last else start
        if last is None and (first == "*" or every):  # `5/10` goes on from 5
            end = high
        numbers |= set(range(start, end + 1, int(every or 1)))
    return numbers


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


def clock_changes(
    cron: str, timezone: str, *, since: date | None = None, days: int = 366
) -> Iterator[str]:
    """Say on which days a change of the clocks skips or repeats a time of a schedule.

    A schedule that names every hour loses no run by a skipped one, and is passed over.

    Args:
        cron: A sound expression of five fields.
        timezone: An IANA time zone.
        since: The first day that is looked at, in that zone; None is today.
        days: How many days are looked at.

    Example:
        >>> from datetime import date
        >>> for change in clock_changes("30 2 * * *", "Europe/Warsaw", since=date(2027, 1, 1)):
        ...     print(change.partition(" (")[0])
        2027-03-28 has no 02:30 in Europe/Warsaw
        2027-10-31 has 02:30 twice in Europe/Warsaw
    """
    zone = ZoneInfo(timezone)
    fields = cron.lower().split()
    hours = sorted(_numbers(fields[1], 1))
    if len(hours) == _HOURS:
        return
    times = [time(hour, minute) for hour in hours for minute in sorted(_numbers(fields[0], 0))]
    first = since or datetime.now(zone).date()
    for day in (first + timedelta(number) for number in range(days)):
        if _offset(day, time(), zone) != _offset(day + timedelta(1), time(), zone):
            changes = (_change(day, at, zone) for at in times if _falls_on(day, fields))
            yield from list(filter(None, changes))[:1]


def _change(day: date, at: time, zone: ZoneInfo) -> str | None:
    """Say what a change of the clocks does to a time of a day."""
    before, after = _offset(day, at, zone), _offset(day, at.replace(fold=1), zone)
    if before < after:
        return (
            f"{day} has no {at:%H:%M} in {zone} (clocks go forward): that run starts earlier or "
            "later, or falls together with another; choose another hour, or timezone: UTC"
        )
    if before > after:
        return f"{day} has {at:%H:%M} twice in {zone} (clocks go back): it runs the first time only"
    return None


def _offset(day: date, at: time, zone: ZoneInfo) -> timedelta:
    return datetime.combine(day, at, zone).utcoffset() or timedelta(0)


def _falls_on(day: date, fields: list[str]) -> bool:
    """Say whether an expression names a day: by date or weekday, by both if one begins with *."""
    _, _, days, months, weekdays = fields
    by_date = day.day in _numbers(days, 2)
    by_weekday = day.isoweekday() % 7 in {number % 7 for number in _numbers(weekdays, 4)}
    both = days.startswith("*") or weekdays.startswith("*")
    fits = (by_date and by_weekday) if both else (by_date or by_weekday)
    return fits and day.month in _numbers(months, 3)
