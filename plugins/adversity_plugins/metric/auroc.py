"""How well a score tells what is known from what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, InputError

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["AUROC"]

_CONFIDENCE = "confidence"
"""The one column that every prediction has, and the one that is smaller where it is less sure."""


class AUROC(Metric):
    """Area under the ROC curve of a score, and false alarms where 95 % of the unknown are noticed.

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
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "auroc": MeasureInfo(
            0.0, 1.0, title="AUROC", better="higher", scale="share", group="uncertainty"
        ),
        "fpr_at_95_tpr": MeasureInfo(
            0.0,
            1.0,
            title="false positive rate at 95 % true positive rate",
            better="lower",
            scale="share",
            group="uncertainty",
        ),
    }

    score: str = Field(
        _CONFIDENCE,
        description="The column to rank by. Of confidence a smaller value means less sure, of any "
        "other column a larger one.",
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `auroc` and `fpr_at_95_tpr`; an unknown sample is the positive one.

        Raises:
            InputError: A table has no such column.
            DataError: A score is missing or no number.
        """
        if reference is None or not len(table) or not len(reference):
            return {}
        known, unknown = self._ranked(table, "from:"), self._ranked(reference, "against:")
        measures = {
            "auroc": metrics.auroc(known, unknown, ids=(table["id"], reference["id"])),
            "fpr_at_95_tpr": metrics.fpr_at_95_tpr(known, unknown),
        }
        sure = "small" if self.score == _CONFIDENCE else "large"
        said = {"score": f"{self.score}, {sure} where the model is less sure"}
        return {
            name: replace(measure, convention={**measure.convention, **said})
            for name, measure in measures.items()
        }

    def _ranked(self, table: Table, step: str) -> np.ndarray[Any, Any]:
        """Return the score of each sample so that a larger one means less sure.

        Raises:
            InputError: The table has no such column.
            DataError: The column does not hold one number for each sample.
        """
        if not table.has(self.score):
            columns = ", ".join(table.columns)
            hint = did_you_mean(self.score, table.columns)
            raise InputError(
                f"auroc: expected a column {self.score!r} in the table that {step} names, got "
                f"{columns}; {hint or 'name one of these with score'}"
            )
        values = np.asarray(table[self.score])
        fault = _fault(values, table["id"])
        if fault:
            raise DataError(
                f"auroc: expected a number for each sample in the column {self.score!r} of the "
                f"table that {step} names, got {fault}; name another column with score"
            )
        return -values.astype(np.float64) if self.score == _CONFIDENCE else values


def _fault(values: np.ndarray[Any, Any], ids: np.ndarray[Any, Any]) -> str:
    """Say why samples cannot be ranked by a column; empty where they can."""
    if values.ndim != 1:
        return f"{values[0].size} for each"
    if values.dtype.kind not in "iuf":
        return "yes and no" if values.dtype.kind == "b" else f"{values[0]!r}"
    lacking = ids[np.isnan(values)]
    return (
        f"none for {len(lacking)} of {len(values)}, {lacking[0]} among them" if len(lacking) else ""
    )
