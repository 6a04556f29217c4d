"""The rules of what a fit sees of its rows: weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.pipeline.plan.graph import names_plugin
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["NO_WEIGHTS", "fit_row_faults"]

NO_WEIGHTS = "does not go by weights while it is fitted"


def fit_row_faults(planned: PlannedStep, spec: StepSpec) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what a step says of the rows of its fit: the key, and a message."""
    cls, label = class_of(planned.entry), planned.entry.label
    if planned.weights is None or not names_plugin(spec.uses):
        return
    if not issubclass(cls, Fitted):
        yield "weights", f"weights: is for what is fitted; {label} is not"
    elif not cls.takes_weights:
        yield "weights", f"weights: {label} {NO_WEIGHTS}; drop weights:, or use a plugin that does"
    elif next(iter(planned.fit_on or ()), None) == UNLABELLED:
        yield "weights", f"weights: is for a source with labels; {label} is fitted on {UNLABELLED}"
