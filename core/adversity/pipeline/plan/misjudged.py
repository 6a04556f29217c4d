"""Metrics of classes on tables of numbers, and the other way round: what cannot be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Attack, Classifier, Regressor, Uncertainty
from adversity.pipeline.read.findings import listed

if TYPE_CHECKING:
    from adversity.contracts import Metric
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["misjudges"]

_OF_NUMBERS = frozenset({"mean", "variance"})
"""Columns that only the table of a regressor has."""
_OF_CLASSES = frozenset({"prediction", "correct", "confidence", "logits", "probs", "members"})
"""Columns that the table of a regressor lacks."""


def misjudges(metric: type[Metric], planned: PlannedStep) -> str | None:
    """Say why a metric cannot measure a step: one is about numbers, the other about classes.

    None where it may, and for tables of kinds that others bring.
    """
    classes = [entry.cls for entry in planned.plugin_entries]
    if all(cls is not None and issubclass(cls, Regressor) for cls in classes):
        if lacking := sorted(_OF_CLASSES.intersection(metric.wants)):
            return f"needs {listed(lacking)}, and {planned.id} gives numbers, not classes"
        if "target" in metric.wants and not metric.judges_numbers():
            return f"measures answers in classes, and {planned.id} gives numbers"
        return None
    ours = (Attack, Classifier, Uncertainty)
    if metric.judges_numbers() and all(cls and issubclass(cls, ours) for cls in classes):
        lacking = sorted(_OF_NUMBERS.intersection(metric.wants))
        return (
            f"needs {listed(lacking)}, which regressors alone give; {planned.id} answers in classes"
        )
    return None
