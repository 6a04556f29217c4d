"""What is known of measures before anything runs: those of metrics, and those of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adversity.contracts import Metric
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts import MeasureInfo, MetricBase
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["known_of", "measures_of"]

_ATTACKS_ALONE = frozenset(
    {"start_correct", "fooled", "distance", "queries", "gradients", "failure_distance", "solved_at"}
)
"""Columns that only the table of an attack has."""


def measures_of(metrics: Iterable[MetricBase]) -> dict[str, MeasureInfo]:
    """Return every measure that a run can have, with what is known of it."""
    found = {**OF_DATA, **OF_ATTACKS}
    for metric in metrics:
        found |= metric.declared()
    return found


def known_of(
    planned: PlannedStep | Literal["data"], metrics: Iterable[MetricBase]
) -> dict[str, MeasureInfo] | None:
    """Return the measures that a step, or a data set, can have; None where that is not known.

    A metric that does not say what it produces may give anything. What a step can have depends
    on the columns of its table: those that only attacks have are wanted in vain elsewhere.

    Args:
        planned: The step, or `data` for a data set.
        metrics: Those of the pipeline.
    """
    if planned == "data":
        return dict(OF_DATA)
    attacked = planned.role == "attack"
    fitting = [
        metric
        for metric in metrics
        if not isinstance(metric, Metric) or _can_have(metric, attacked=attacked)
    ]
    if not all(metric.produces for metric in fitting):
        return None
    found = dict(OF_ATTACKS) if attacked else {}
    for metric in fitting:
        found |= metric.declared()
    return found


def _can_have(metric: Metric, *, attacked: bool) -> bool:
    """Say whether a table of such a step can have the columns that a metric wants and no other."""
    missing = frozenset() if attacked else _ATTACKS_ALONE
    present = frozenset({"start_correct"}) if attacked else frozenset()
    return not missing.intersection(metric.wants) and not present.intersection(metric.unless)
