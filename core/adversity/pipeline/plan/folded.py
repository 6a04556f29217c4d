"""Which steps answer out of fold: each row by the network that was fitted without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.paths import ancestors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["FOLDED", "out_of_fold", "rests_on_folds"]

FOLDED = ("predict", "regress")
"""The roles of steps that answer out of fold."""


def out_of_fold(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> int | None:
    """Return how many networks answer for the rows of a step, each for those it did not see.

    That is so where a classifier or regressor with `folds:` is used on images of the data set that fitted it,
    whatever they went through. None where one network, fitted on all, answers.
    """
    definition = steps.get(planned.definition)
    if planned.role not in FOLDED or definition is None or definition.fold_count is None:
        return None
    if not planned.source or not definition.fitted_by:
        return None
    fitting, judged = (chain_to(id_, steps).start for id_ in (definition.fitted_by[0], planned.id))
    return definition.fold_count if fitting == judged else None


def rests_on_folds(id_: str, steps: Mapping[str, PlannedStep]) -> bool:
    """Say whether the rows of a step are answers out of fold, or made of such."""
    behind = (steps[name] for name in (id_, *ancestors(id_, steps)) if name in steps)
    return any(out_of_fold(each, steps) is not None for each in behind)
