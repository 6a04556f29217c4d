"""What a plugin says while it is planned; one that fails is named, with the line that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import MeasureInfo
from adversity.errors import PipelineError
from adversity.registry.project_modules import author_is_to

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from adversity.contracts import CellMetric
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["given", "needed"]

_BREAKS = (Exception, SystemExit)


def given(
    planned: PlannedStep, metric: CellMetric, known: Mapping[str, MeasureInfo]
) -> dict[str, MeasureInfo]:
    """Return the measures that a metric says it gives.

    Args:
        planned: Its step.
        metric: With its parameters.
        known: What is known of the measures that it folds.

    Raises:
        PipelineError: If it fails, or says it in no mapping of names to `MeasureInfo`.
    """
    try:
        measures = dict(metric.gives(known))
    except _BREAKS as error:
        _broke(planned, metric, "gives", error)
    for name, info in measures.items():
        if not isinstance(info, MeasureInfo):
            got = TypeError(f"expected a MeasureInfo of {name}, got {type(info).__name__}")
            _broke(planned, metric, "gives", got)
    return measures


def needed(planned: PlannedStep, metric: CellMetric) -> tuple[str, ...]:
    """Return the measures that a metric says it needs of each cell.

    Raises:
        PipelineError: If it fails, or says it in nothing that can be gone through.
    """
    try:
        return tuple(metric.needs())
    except _BREAKS as error:
        _broke(planned, metric, "needs", error)


def _broke(planned: PlannedStep, metric: CellMetric, method: str, error: BaseException) -> NoReturn:
    remedy = author_is_to("report it to the plugin's author", type(metric).__module__, error)
    fault = f"{planned.entry.label}: {method} raised {type(error).__name__}: {error}; {remedy}"
    raise PipelineError([f"{planned.line}: {fault}"]) from error
