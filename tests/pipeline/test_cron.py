"""Cron expressions and time zones are refused when the file is read."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adversity.pipeline.read.cron import clock_changes, cron_fault, timezone_fault


@pytest.mark.parametrize(
    "text", ["0 2 * * *", "*/15 0-6 1,15 * mon-fri", "59 23 31 dec 7", "0 0 1-31/2 1 sun"]
)
def test_good_expressions_pass(text):
    """Lists, ranges, steps and names are accepted in the field they belong to."""
    assert cron_fault(text) is None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * mon *", "month"),
        ("* * * * 8", "day of week"),
        ("5-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("²  * * * *", "minute"),
        ("* * * *", "five fields"),
        (5, "five fields"),
    ],
)
def test_bad_expressions_name_the_field(text, field):
    """A number out of range, a wrong name and an empty range are named by their field."""
    assert field in cron_fault(text)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("0 0 31 2 *", True),
        ("0 0 30,31 feb *", True),
        ("0 0 31 2,4,6,9,11 *", True),
        ("0 0 31/2 2 *", True),
        ("0 0 30 2 */1", True),
        ("0 0 29 2 *", False),  # every fourth year
        ("0 0 31 2,3 *", False),
        ("0 0 31 */2 *", False),  # January
        ("0 0 30/7 2 *", True),
        ("0 0 28/2 2 *", False),
        ("0 0 31 2 mon", False),  # day or weekday: every Monday of February
    ],
)
def test_a_date_that_no_year_has_is_refused(text, never):
    """Else the schedule would be served and never fire; a leap year is enough."""
    fault = cron_fault(text)
    assert (fault is not None and "never fires" in fault) == never


@pytest.mark.parametrize("text", ["UTC", "Europe/Warsaw"])
def test_time_zones_are_those_of_iana(text):
    """A zone of the database passes."""
    assert timezone_fault(text) is None


@pytest.mark.parametrize(
    "text", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "", "Europe", 3]
)
def test_other_text_is_no_time_zone(text):
    """Unknown names, folders and paths are refused."""
    assert "IANA" in timezone_fault(text)


@pytest.mark.parametrize("zone", ["Europe/Warsaw", "America/Havana", "America/Santiago", "UTC"])
def test_skipped_and_repeated_times_are_those_that_the_half_hours_of_a_year_lack(zone):
    """Every half hour of UTC is asked what time it is there: no answer, or two, is what is said."""
    start = datetime(2026, 12, 31, tzinfo=UTC)
    there = ZoneInfo(zone)
    moments = ((start + timedelta(minutes=30 * n)).astimezone(there) for n in range(367 * 48))
    seen = Counter((at.date(), at.hour, at.minute) for at in moments)
    year = [date(2027, 1, 1) + timedelta(number) for number in range(365)]
    words = {0: "has no", 2: "has"}
    for hour, minute in ((0, 0), (0, 30), (1, 0), (2, 30), (23, 30)):
        counts = {day: seen[day, hour, minute] for day in year}
        wanted = [f"{day} {words[n]} {hour:02}:{minute:02}" for day, n in counts.items() if n != 1]
        found = list(clock_changes(f"{minute} {hour} * * *", zone, since=year[0], days=365))
        assert len(found) == len(wanted)
        assert all(line.startswith(begin) for line, begin in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("30 2 * * mon", []),  # the clocks change on Sundays
        ("30 2 * * 7", ["2027-03-28", "2027-10-31"]),
        ("30 2 1 * sun", ["2027-03-28", "2027-10-31"]),  # a first, or a Sunday
        ("30 2 */2 * sun", ["2027-10-31"]),  # an odd day that is a Sunday, as Prefect has it
        ("30 2 * apr-dec *", ["2027-10-31"]),
        ("0,30 1-4 28 3 *", ["2027-03-28"]),  # once, with its first time
        ("0 3 * * *", []),
        ("*/15 * * * *", []),  # every hour: nothing is lost
    ],
)
def test_only_days_of_the_schedule_are_told(cron, days):
    """A day is named by its month and by its date or weekday; by both if one begins with a star."""
    found = clock_changes(cron, "Europe/Warsaw", since=date(2027, 1, 1))
    assert [line.split()[0] for line in found] == days
