"""Cron expressions and time zones are refused when the file is read."""

from __future__ import annotations

import pytest

from adversity.pipeline.cron import cron_fault, timezone_fault


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
