"""When a schedule fires next, as Prefect has it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from adversity.pipeline.read.interval import interval_of
from adversity_flows.prefect_flows.settings import import_prefect

if TYPE_CHECKING:
    from adversity.pipeline.read.spec import ScheduleSpec

__all__ = ["anchor", "due_times"]


def anchor(timezone: str) -> datetime:
    """Return the midnight from which intervals are counted, so that a restart changes no time."""
    return datetime(2000, 1, 1, tzinfo=ZoneInfo(timezone))


def due_times(schedule: ScheduleSpec, start: datetime, count: int) -> list[datetime]:
    """Return the next times of a schedule, in its time zone.

    Args:
        schedule: It.
        start: Aware; the first one is not before it.
        count: How many.
    """
    import_prefect()
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule

    times: CronSchedule | IntervalSchedule
    if schedule.cron:
        times = CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    else:
        times = IntervalSchedule(
            interval=interval_of(str(schedule.interval)),
            anchor_date=anchor(schedule.timezone),
            timezone=schedule.timezone,
        )
    zone = ZoneInfo(schedule.timezone)
    found = asyncio.run(times.get_dates(count, start))
    return [datetime.fromtimestamp(one.timestamp(), zone) for one in found]
