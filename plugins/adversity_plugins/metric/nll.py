"""Negative log-likelihood of a table of predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import by_row, judgeable

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["NLL"]


class NLL(Metric):
    """Mean negative log-likelihood of the true class in nats.

    Where a true class got the probability 0 the score is infinite; then the share of such
    images is given instead, and no likelihood.
    """

    name = "nll"
    always = True
    reference = "I. J. Good, Rational decisions, 1952"
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "nll": MeasureInfo(
            low=0.0, title="NLL", unit="nats", better="lower", group="uncertainty", headline=5
        ),
        "zero_probability_truths": MeasureInfo(0.0, 1.0, better="lower", scale="share"),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `nll`, or `zero_probability_truths` where it is infinite."""
        if not judgeable(table):
            return {}
        measure = metrics.nll_of(by_row(table, metrics.log_likelihoods))
        if math.isfinite(measure.value):
            return {"nll": measure}
        zeros = int(measure.details["zero_probability_truths"])
        share = metrics.share(
            zeros,
            measure.n,
            better="lower",
            convention={"because": "the likelihood is infinite where the truth got 0"},
        )
        return {"zero_probability_truths": share}

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the nats of each row, or which truths got the probability 0 where one did."""
        if not judgeable(table):
            return {}
        log_p = by_row(table, metrics.log_likelihoods)
        zero = np.isneginf(log_p)
        return {"zero_probability_truths": zero} if zero.any() else {"nll": 0.0 - log_p}
