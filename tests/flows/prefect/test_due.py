"""When schedules fire: the same after any restart, and as promised when clocks change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import yaml

from adversity.pipeline.read.interval import interval_of
from adversity.pipeline.read.spec import PipelineSpec, ScheduleSpec
from adversity_flows.prefect_flows.deploy import FILE as PREFECT_FILE
from adversity_flows.prefect_flows.deploy import write_prefect_file
from adversity_flows.prefect_flows.due import due_times
from adversity_flows.prefect_flows.schedule import _deployment

if TYPE_CHECKING:
    from pathlib import Path

WARSAW = "Europe/Warsaw"
FILE = "pipelines/nightly.yaml"
ZONES = ("Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC")
"""Clocks change by an hour, north and south, by half an hour, at midnight, never."""
SEASONS = tuple(datetime(2027, month, 5, 7, tzinfo=UTC) for month in (1, 3, 4, 7, 9, 10, 11))
"""In each the clocks of some zone change, or have changed."""
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


def midnights(days: int, zone: str, start: datetime, count: int) -> list[float]:
    """Count days of the calendar; one without a midnight begins an hour before its first moment."""
    found: list[float] = []
    day = datetime(2000, 1, 1)
    while len(found) < count:
        time = day.replace(tzinfo=ZoneInfo(zone))
        is_there = time.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == day
        seconds = time.timestamp() - (0 if is_there else 3600)
        found += [seconds] if seconds >= start.timestamp() else []
        day += timedelta(days)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("days", [1, 2, 7])
def test_whole_days_keep_to_midnight_whenever_one_asks(days: int, zone: str) -> None:
    """In summer, too, and a server that starts between two times changes neither."""
    for start in SEASONS:
        times = due_times(interval(f"{days}d", zone), start, 6)
        assert [time.timestamp() for time in times] == midnights(days, zone, start, 6)


@pytest.mark.parametrize("text", ["1h", "7h", "36h", "25h"])
def test_other_intervals_are_evenly_apart_all_the_year(text: str) -> None:
    """Those above a day as well, in one rhythm for ever."""
    step = interval_of(text).total_seconds()
    first = datetime(2000, 1, 1, tzinfo=ZoneInfo(WARSAW)).timestamp()
    for start in SEASONS:
        times = due_times(interval(text, WARSAW), start, 30)
        assert {(time.timestamp() - first) % step for time in times} == {0}
        assert timedelta(0) <= times[0] - start < interval_of(text)


def as_the_server_has_it(schedule: object) -> object:
    """Send a schedule as Prefect's client does; return what its server makes of it."""
    from prefect.server.schemas.actions import DeploymentScheduleCreate

    sent = {"schedule": schedule.model_dump(mode="json")}  # type: ignore[attr-defined]
    return DeploymentScheduleCreate.model_validate(sent).schedule


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "when", [{"interval": "1d"}, {"interval": "6h"}, {"interval": "36h"}, {"cron": "30 2 * * *"}]
)
def test_served_and_deployed_it_fires_at_the_same_moments(
    tmp_path: Path, when: dict[str, str], zone: str
) -> None:
    """`serve`, `deploy` as Prefect reads its file, and what `schedule list` says."""
    from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule as read

    schedule = ScheduleSpec.model_validate({**when, "timezone": zone})
    spec = PipelineSpec.model_construct(name="nightly")
    served = _deployment(tmp_path, FILE, spec, schedule, active=True).schedules
    assert served is not None
    write_prefect_file(tmp_path / PREFECT_FILE, [(FILE, "nightly", schedule)], "pool")
    (entry,) = yaml.safe_load((tmp_path / PREFECT_FILE).read_text())["deployments"]
    deployed = read(entry["schedules"][0])["schedule"]
    for start in SEASONS:
        said = due_times(schedule, start, 5)
        for one in (served[0].schedule, deployed):
            times = asyncio.run(as_the_server_has_it(one).get_dates(5, start))
            assert times == said
