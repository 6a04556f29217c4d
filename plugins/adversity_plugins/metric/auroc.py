"""How well a score tells what is known from what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity.contracts.targets import UNKNOWN_CLASS
from adversity.errors import InputError
from adversity_plugins.metric._ranked_by import (
    CONFIDENCE,
    ranked,
    said_of,
    sides_in_groups,
    told_apart,
)

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["AUROC"]


class AUROC(Metric):
    """Area under the ROC curve of a score, FPR95 in both directions, and AUPR of either side.

    `from:` names predictions of what the model was made for, `against:` of what it was not made
    for. The score is a column of both. Of `confidence` a smaller value means less sure; any other
    score is larger where the model is less sure, as the scores of uncertainty plugins are. A
    sample with one id in both, such as an image before and after a degradation, may have related
    scores: the interval allows for it.
    """

    name = "auroc"
    reference = (
        "E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more "
        "correlated receiver operating characteristic curves, 1988"
    )
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "tables"
    wants = ()
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "auroc": MeasureInfo(
            0.0, 1.0, title="AUROC", better="higher", scale="share", group="uncertainty", headline=1
        ),
        "fpr95_unknown_positive": MeasureInfo(
            0.0,
            1.0,
            title="FPR95, unknown positive",
            better="lower",
            scale="share",
            group="uncertainty",
        ),
        "fpr95_known_positive": MeasureInfo(
            0.0,
            1.0,
            title="FPR95, known positive",
            better="lower",
            scale="share",
            group="uncertainty",
        ),
        "aupr_unknown": MeasureInfo(
            0.0,
            1.0,
            title="AUPR, unknown positive",
            better="higher",
            scale="share",
            group="uncertainty",
        ),
        "aupr_known": MeasureInfo(
            0.0,
            1.0,
            title="AUPR, known positive",
            better="higher",
            scale="share",
            group="uncertainty",
        ),
    }

    score: str = Field(
        CONFIDENCE,
        description="The column to rank by. Of confidence a smaller value means less sure, of any "
        "other column a larger one.",
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return AUROC, FPR95 in both directions, and AUPR with either side as positive.

        Raises:
            InputError: A table has no such column, or that of the known holds unknown classes.
            DataError: A score is missing or no number.
        """
        if reference is None or not len(table) or not len(reference):
            return {}
        if table.has("target") and (strange := int((table["target"] == UNKNOWN_CLASS).sum())):
            raise InputError(
                f"auroc: expected predictions of known classes in the table that from: names, "
                f"{strange} of its {len(table)} samples are of unknown ones; compare the two within "
                "the table with metric/open_set"
            )
        known, unknown = (
            ranked(each, self.score, metric="auroc", step=step)
            for each, step in ((table, "from:"), (reference, "against:"))
        )
        ids, groups = (table["id"], reference["id"]), sides_in_groups(table, reference)
        measures = {
            "auroc": metrics.auroc(known, unknown, ids=ids, groups=groups),
            **told_apart(known, unknown, groups),
        }
        said = said_of(self.score)
        return {
            name: replace(measure, convention={**measure.convention, **said})
            for name, measure in measures.items()
        }
