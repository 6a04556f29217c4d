"""Intervals in the place of a cron: read, or refused with their line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.read.interval import interval_of

if TYPE_CHECKING:
    from collections.abc import Callable

CRON = 'cron: "0 2 * * *"'


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("1m", timedelta(minutes=1)),
        ("90m", timedelta(minutes=90)),
        ("6h", timedelta(hours=6)),
        ("7d", timedelta(days=7)),
    ],
)
def test_an_interval_is_read(
    plan: Callable[[str], Any], pipeline_text: str, text: str, long: timedelta
) -> None:
    """It stands in the place of the cron, and says so in words."""
    schedule = plan(pipeline_text.replace(CRON, f"interval: {text}")).spec.schedule
    assert interval_of(schedule.interval) == long
    assert schedule.cron is None
    assert schedule.words.startswith(f"every {text} (")


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("interval: 90s", "schedule.interval must be a number of minutes, hours or days"),
        ("interval: 0h", "got '0h'"),
        ("interval: 6", "got 6"),
        ("interval: 1.5h", "got '1.5h'"),
        (f"{CRON}, interval: 6h", "schedule must have either cron .* got both"),
        ("", "schedule must have either cron .* got neither"),
    ],
)
def test_what_is_no_interval_is_refused(
    plan: Callable[[str], Any], pipeline_text: str, instead: str, said: str
) -> None:
    """With its line."""
    wrong = pipeline_text.replace(CRON + ", ", instead + (", " if instead else ""))
    assert wrong != pipeline_text
    with pytest.raises(PipelineError, match=rf":\d+: .*{said}"):
        plan(wrong)
