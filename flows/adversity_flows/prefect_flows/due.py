"""When a schedule fires next, as Prefect has it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from adversity.pipeline.read.interval import interval_of
from adversity_flows.prefect_flows.settings import import_prefect

if TYPE_CHECKING:
    from adversity.pipeline.read.spec import ScheduleSpec

__all__ = ["due_times", "prefect_fields"]

_ANCHOR = datetime(2000, 1, 1)
"""Intervals are counted from here, in the schedule's time zone."""
_FIRST = datetime(2026, 1, 1)
"""No schedule is asked for a time before it."""


def prefect_fields(schedule: ScheduleSpec) -> dict[str, Any]:
    """Return a schedule as Prefect has it: the fields of its `Schedule`.

    Intervals are counted from a midnight long ago, so that a restart changes no time. Whole days are
    a rule of the calendar, which keeps to midnight whatever the clocks do: Prefect's interval of a
    day counts 24 hours up to the moment it is asked, and calendar days from there, so a server that
    is asked in summer would start at 01:00. Other intervals are counted in UTC for the same reason.
    """
    if schedule.cron:
        return {"cron": schedule.cron, "timezone": schedule.timezone}
    interval = interval_of(str(schedule.interval))
    days, rest = divmod(interval, timedelta(days=1))
    if not rest:
        # Prefect goes through all times since the first whenever it is asked: begin with a late one.
        first = _FIRST - (_FIRST - _ANCHOR) % interval + interval
        rule = f"DTSTART:{first:%Y%m%dT%H%M%S}\nRRULE:FREQ=DAILY;INTERVAL={days}"
        return {"rrule": rule, "timezone": schedule.timezone}
    anchor = _ANCHOR.replace(tzinfo=ZoneInfo(schedule.timezone))
    return {"interval": interval, "anchor_date": anchor, "timezone": "UTC"}


def due_times(schedule: ScheduleSpec, start: datetime, count: int) -> list[datetime]:
    """Return the next times of a schedule, in its time zone.

    Args:
        schedule: It.
        start: Aware; the first one is not before it.
        count: How many.
    """
    import_prefect()
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    known = prefect_fields(schedule)
    times: CronSchedule | IntervalSchedule | RRuleSchedule
    if "cron" in known:
        times = CronSchedule(**known)
    elif "rrule" in known:
        times = RRuleSchedule(**known)
    else:
        times = IntervalSchedule(**known)
    zone = ZoneInfo(schedule.timezone)
    found = asyncio.run(times.get_dates(count, start))
    return [datetime.fromtimestamp(one.timestamp(), zone) for one in found]
