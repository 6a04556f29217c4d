"""When schedules fire: the same after any restart, and as promised when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from adversity.pipeline.read.interval import interval_of
from adversity.pipeline.read.spec import ScheduleSpec
from adversity_flows.prefect_flows.due import due_times

WARSAW = "Europe/Warsaw"
BEFORE = datetime(2027, 3, 27, 12, tzinfo=UTC)
"""A day before clocks go forward in Warsaw."""


def interval(text: str, timezone: str = "UTC") -> ScheduleSpec:
    return ScheduleSpec.model_validate({"interval": text, "timezone": timezone})


@pytest.mark.parametrize("text", ["1m", "45m", "6h"])
def test_times_below_a_day_are_evenly_apart(text: str) -> None:
    """Also over the night in which an hour is skipped."""
    times = due_times(interval(text, WARSAW), BEFORE, 40)
    gaps = {later.timestamp() - time.timestamp() for time, later in pairwise(times)}
    assert gaps == {interval_of(text).total_seconds()}
    assert times[0] >= BEFORE


@pytest.mark.parametrize("text", ["1d", "7d"])
def test_whole_days_keep_to_midnight(text: str) -> None:
    """In the schedule's time zone, whatever the clocks do."""
    times = due_times(interval(text, WARSAW), BEFORE, 5)
    assert {(time.hour, time.minute) for time in times} == {(0, 0)}
    assert {time.utcoffset() for time in times} >= {timedelta(hours=2)}


def test_the_times_do_not_depend_on_when_one_asks() -> None:
    """A server that is started anew goes on in the same rhythm."""
    schedule = interval("7h")
    first = due_times(schedule, BEFORE, 20)
    later = due_times(schedule, first[4] - timedelta(seconds=1), 16)
    assert later == first[4:]


def test_a_cron_fires_in_its_own_zone() -> None:
    """02:00 in Warsaw is 01:00 UTC in winter."""
    cron = ScheduleSpec.model_validate({"cron": "0 2 * * *", "timezone": WARSAW})
    (time,) = due_times(cron, datetime(2027, 1, 10, tzinfo=UTC), 1)
    assert time == datetime(2027, 1, 10, 2, tzinfo=ZoneInfo(WARSAW))
    assert time.astimezone(UTC).hour == 1
