"""What is known of measures before anything runs: those of metrics, and those of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adversity.contracts import MeasureInfo, Metric
from adversity.pipeline.plan.probing import PROBES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts import MetricBase
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["OF_ATTACKS", "OF_DATA", "known_of", "measures_of"]

_SHARE = MeasureInfo(0.0, 1.0, attacked="fact")
OF_DATA: Mapping[str, MeasureInfo] = {"unreadable_share": MeasureInfo(0.0, 1.0)}
"""What the engine measures of data sets."""
OF_ATTACKS: Mapping[str, MeasureInfo] = {
    "zero_gradient_share": _SHARE,
    "nan_gradient_share": _SHARE,
    "hidden_pixels_share": _SHARE,
    "never_moved_share": _SHARE,
    "random_output_share": _SHARE,
    "probability_output_share": _SHARE,
    "beaten_by_black_box_share": _SHARE,
    "beaten_by_grey_box_share": _SHARE,
    "fooled_with_less_share": _SHARE,
    "weaker_with_more_share": _SHARE,
    "worst_case_robust_accuracy": MeasureInfo(0.0, 1.0, attacked="at most"),
    **dict.fromkeys(PROBES, _SHARE),
}
"""What the engine measures of attacks."""
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
    node: PlannedStep | Literal["data"], metrics: Iterable[MetricBase]
) -> dict[str, MeasureInfo] | None:
    """Return the measures that a step, or a data set, can have; None where that is not known.

    A metric that does not say what it produces may give anything. What a step can have depends
    on the columns of its table: those that only attacks have are wanted in vain elsewhere.

    Args:
        node: The step, or `data` for a data set.
        metrics: Those of the pipeline.
    """
    if node == "data":
        return dict(OF_DATA)
    attacked = node.role == "attack"
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
