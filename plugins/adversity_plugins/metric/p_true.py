"""Probability of the true class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import by_row, judgeable

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["PTrue"]


class PTrue(Metric):
    """Mean probability that the true class got, 0 to 1.

    It moves where accuracy does not: an image that stays right, or wrong, may be answered with more
    or with less of the truth. Unlike NLL it is finite whatever the answers are.
    """

    name = "p_true"
    always = True
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "p_true": MeasureInfo(0.0, 1.0, title="p(true)", better="higher", group="uncertainty")
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `p_true`, with Student's interval."""
        if not judgeable(table):
            return {}
        values = self.per_sample(table)["p_true"]
        return {"p_true": metrics.mean_interval(values, better="higher", within=(0.0, 1.0))}

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the probability of the true class of each row."""
        if not judgeable(table):
            return {}
        return {"p_true": np.exp(by_row(table, metrics.log_likelihoods))}
