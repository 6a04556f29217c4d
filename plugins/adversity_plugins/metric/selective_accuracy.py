"""How good the answers are that are left where a share of the least sure is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in
from adversity_plugins.metric._ranked_by import CONFIDENCE, ranked, said_of

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["SelectiveAccuracy"]


class SelectiveAccuracy(Metric):
    """Accuracy of the answers that are left where a share of the least sure is refused.

    A point of the curve whose area `selective` gives, with the share as a parameter that a matrix
    can vary. Which answers are refused is read off the table itself: the share is refused exactly,
    under every condition, where a threshold that was fitted elsewhere refuses as it happens.
    """

    name = "selective_accuracy"
    reference = "Y. Geifman, R. El-Yaniv, Selective classification for deep neural networks, 2017"
    wants = ("target", "correct")
    unless = ("start_correct",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"refused": 0.2},)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "selective_accuracy": MeasureInfo(
            0.0, 1.0, better="higher", scale="share", group="uncertainty", headline=1
        ),
    }

    refused: float = Field(
        ge=0, lt=1, description="The share of answers that is refused; 0 for the accuracy of all."
    )
    score: str = Field(
        CONFIDENCE,
        description="The column to refuse by. Of confidence a smaller value means less sure, of any "
        "other column a larger one.",
    )

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step: not every table has the column that it refuses by."""
        return "it ranks by a column that not every table has"

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `selective_accuracy`.

        Raises:
            InputError: The table has no such column.
            DataError: A score is missing or no number.
        """
        if not len(table):
            return {}
        measure = metrics.selective_accuracy(
            ranked(table, self.score, metric=self.name, step="from:"),
            np.asarray(table["correct"], dtype=np.bool_),
            refused=self.refused,
            groups=groups_in(table),
        )
        convention = {**measure.convention, **said_of(self.score)}
        return {"selective_accuracy": replace(measure, convention=convention)}
