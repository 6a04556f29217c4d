"""How well a score tells samples of unknown classes from known ones, within one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity.contracts.targets import UNKNOWN_CLASS
from adversity_plugins.metric._predictions import groups_in, known_rows
from adversity_plugins.metric._ranked_by import (
    CONFIDENCE,
    named_groups,
    ranked,
    said_of,
    told_apart,
)
from adversity_plugins.metric.auroc import AUROC

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["OpenSet"]


class OpenSet(Metric):
    """How well a score tells samples of unknown classes from known ones: AUROC, FPR95, AUPR, OSCR.

    The data set says `unknown: keep`: samples whose class the classifier lacks are the unknown
    ones. Samples without any label count on neither side. Nothing is measured where one of the two
    is missing. Two tables, one of them all unknown, are what `auroc` compares.
    """

    name = "open_set"
    reference = AUROC.reference
    wants = ("target",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        **AUROC.produces,
        "oscr": MeasureInfo(
            0.0, 1.0, title="OSCR", better="higher", scale="share", group="uncertainty"
        ),
    }

    score: str = Field(
        CONFIDENCE,
        description="The column to rank by. Of confidence a smaller value means less sure, of any "
        "other column a larger one.",
    )

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step: not every table has the column that it ranks by."""
        return "it ranks by a column that not every table has"

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return what `auroc` does, and `oscr` where answers are right or wrong.

        Raises:
            InputError: The table has no such column.
            DataError: A score is missing or no number.
        """
        scores = ranked(table, self.score, metric="open_set", step="from:")
        known, unknown = known_rows(table), table["target"] == UNKNOWN_CLASS
        if not known.any() or not unknown.any():
            return {}
        sides, names = (scores[known], scores[unknown]), named_groups(table)
        groups = None if groups_in(table) is None else (names[known], names[unknown])
        measures = {
            "auroc": metrics.auroc(*sides, groups=groups),
            **told_apart(*sides, groups),
        }
        if table.has("correct"):
            right = np.asarray(table["correct"], dtype=np.bool_)[known]
            measures["oscr"] = metrics.oscr(sides[0], right, sides[1], groups=groups)
        said = {**said_of(self.score), "unknown": "samples of classes that the classifier lacks"}
        return {
            name: replace(measure, convention={**measure.convention, **said})
            for name, measure in measures.items()
        }
