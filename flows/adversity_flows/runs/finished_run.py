"""A run that came to its end, for those who write, print and tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversity.report.values.model import Report
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["FinishedRun"]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that came to its end.

    Attributes:
        report: Steps with their measures, and gates: what is in `result.json`.
        past: Its folder and manifest, or those of the earlier run with the same results.
        repeated: Nothing had changed, so the earlier run's folder stands for this one.
        accepted: Later runs are compared with this one.
        exit_code: 0, or 1 if a gate failed.
        seconds: Wall time.
    """

    report: Report
    past: PastRun
    repeated: bool
    accepted: bool
    exit_code: int
    seconds: float
