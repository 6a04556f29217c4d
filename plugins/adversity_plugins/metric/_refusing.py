"""Metrics of answers of which the least sure are refused, by a column of the table."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from adversity import Metric
from adversity_plugins.metric._predictions import groups_in
from adversity_plugins.metric._ranked_by import CONFIDENCE, ranked, said_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity import Measure, Table

__all__ = ["Refusing"]


class Refusing(Metric):
    """What is left of right and wrong answers where those are refused that a column calls unsure."""

    wants = ("target", "correct")
    unless = ("start_correct",)

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
        """Return the measures of a table that has rows, with the column in their convention.

        Raises:
            InputError: The table has no such column.
            DataError: A score is missing or no number.
        """
        if not len(table):
            return {}
        scores = ranked(table, self.score, metric=self.name, step="from:")
        correct, groups = np.asarray(table["correct"], dtype=np.bool_), groups_in(table)
        measures, said = {}, said_of(self.score)
        for name, function in self._functions().items():
            measure = function(scores, correct, groups=groups)
            measures[name] = replace(measure, convention={**measure.convention, **said})
        return measures

    @abstractmethod
    def _functions(self) -> Mapping[str, Callable[..., Measure]]:
        """Return what is computed of scores, right answers and groups, by the measure's name."""
