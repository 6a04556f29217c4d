"""The rules of what a fit sees of its rows: weights, and draws with replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted, Regressor
from adversity.contracts.fitted import UNLABELLED
from adversity.data.weights import BALANCED
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
    asked = [key for key in ("weights", "bootstrap") if getattr(planned, key) is not None]
    if not asked or not names_plugin(spec.uses):
        return
    if not issubclass(cls, Fitted):
        for key in asked:
            yield key, f"{key}: is for what is fitted; {label} is not"
        return
    if next(iter(planned.fit_on or ()), None) == UNLABELLED:
        for key in asked:
            yield key, f"{key}: is for a source with labels; {label} is fitted on {UNLABELLED}"
    if planned.weights is not None:
        yield from _weight_faults(planned.weights, cls, label)
    wrong = [text for text in _draws(planned) if not text.isdecimal()]
    if wrong:
        yield (
            "bootstrap",
            f"bootstrap: expected numbers of draws, 0 or more, got {', '.join(wrong)}",
        )


def _weight_faults(weights: str, cls: type[Fitted], label: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with weights of what a plugin is fitted on."""
    if not cls.takes_weights:
        yield "weights", f"weights: {label} {NO_WEIGHTS}; drop weights:, or use a plugin that does"
    elif weights == BALANCED and issubclass(cls, Regressor):
        yield (
            "weights",
            (
                f"weights: {BALANCED} is of classes, and {label} learns numbers; name an attribute that "
                "holds the weights"
            ),
        )


def _draws(planned: PlannedStep) -> tuple[str, ...]:
    """Return the numbers of its draws, as they are written."""
    if planned.bootstrap is None or not planned.bootstrap.startswith("$"):
        return ()
    name = planned.bootstrap[1:]
    return tuple(dict.fromkeys(cell.as_dict()[name] for cell in planned.cells))
