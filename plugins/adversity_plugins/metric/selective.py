"""What refusing the least sure answers is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in
from adversity_plugins.metric._ranked_by import CONFIDENCE, ranked, said_of

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["Selective"]


class Selective(Metric):
    """Area under risk against coverage: errors that are left where the least sure are refused.

    `aurc` averages the error rate among accepted answers over all coverages, `augrc` the share of
    all answers that are accepted and wrong. Equal scores stand in no order.
    """

    name = "selective"
    reference = (
        "Y. Geifman, G. Uziel, R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural "
        "classifiers, 2019; J. Traub et al., Overcoming common flaws in the evaluation of selective "
        "classification systems, 2024"
    )
    wants = ("target", "correct")
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "aurc": MeasureInfo(
            0.0, 1.0, title="AURC", better="lower", group="uncertainty", headline=1
        ),
        "augrc": MeasureInfo(0.0, 1.0, title="AUGRC", better="lower", group="uncertainty"),
    }

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
        """Return `aurc` and `augrc`, with their curves.

        Raises:
            InputError: The table has no such column.
            DataError: A score is missing or no number.
        """
        if not len(table):
            return {}
        scores = ranked(table, self.score, metric="selective", step="from:")
        correct, groups = np.asarray(table["correct"], dtype=np.bool_), groups_in(table)
        said = said_of(self.score)
        return {
            name: replace(measure, convention={**measure.convention, **said})
            for name, measure in (
                ("aurc", metrics.aurc(scores, correct, groups=groups)),
                ("augrc", metrics.augrc(scores, correct, groups=groups)),
            )
        }
