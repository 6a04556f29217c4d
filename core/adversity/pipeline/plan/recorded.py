"""What fits record while they go on: the names that a class declares, and their measures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.contracts.fitted import VALIDATE, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Collection

    from adversity.contracts import MeasureInfo
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["GROUP", "history_of", "recorded"]

GROUP = "training"
"""The group of measures in which the report shows what fits record."""


def history_of(cls: type, sources: Collection[str]) -> dict[str, MeasureInfo]:
    """Return what is known of each number that a fit on these sources records."""
    if not issubclass(cls, Fitted):
        return {}
    return {
        name: info if info.group else replace(info, group=GROUP)
        for name, info in cls.history.items()
        if VALIDATE in sources or not name.startswith(VALIDATION)
    }


def recorded(planned: PlannedStep) -> dict[str, MeasureInfo]:
    """Return what a step records that only fits a plugin; nothing of others."""
    if planned.role != "define" or planned.fit_on is None:
        return {}
    return history_of(planned.entry.cls or object, planned.fit_on)
