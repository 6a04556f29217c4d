"""The calibration error where samples come in groups: its interval, and that of each bin."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.metrics.grouped import SampleGroups, grouped_interval
from adversity.metrics.predictions import floats_of, verdicts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.contracts.values import Measure
    from adversity.metrics.predictions import Floats
    from adversity.metrics.reliability import ReliabilityBins

__all__ = ["grouped_calibration", "grouped_records"]


def grouped_calibration(
    measure: Measure,
    bins: ReliabilityBins,
    confidence: ArrayLike,
    correct: ArrayLike,
    groups: ArrayLike,
) -> Measure:
    """Return a calibration error weighted by count with an interval that allows for groups.

    As in `calibration_error`, but what is drawn anew is a group and not a row. With S the sum of
    `right - accuracy of its bin` that a group adds to a bin, one group moves the error by
    `A = sum |S| / n` over the bins at most, and the variance of the error is at most the sum of
    `A^2` plus the number of groups times the squared mean of A (Efron and Stein, and the triangle
    between a group and the one drawn in its place). The estimate lies at most the bins' standard
    errors above the truth (Jensen): the jackknife's over groups, with two groups more. Student's
    quantile has as many degrees of freedom as groups of equal size would leave.

    Args:
        measure: From `calibration_error` of the bins.
        bins: Of these rows.
        confidence: `[N]` in [0, 1].
        correct: `[N]` booleans.
        groups: `[N]` names; None for a sample that is a group of its own.
    """
    sure, right = floats_of(confidence, "confidence"), verdicts(correct, "correct")
    index, n = _bin_of(bins, sure), len(sure)
    of_all = SampleGroups.of(right.astype(np.float64), groups)
    likely = (bins.correct + 1) / (bins.n + 2)
    moved = np.zeros(len(of_all.sizes))
    bias = 0.0
    for at in range(len(bins.n)):
        inside = index == at
        own = np.where(inside, right - likely[at], 0.0)
        moved += np.abs(SampleGroups.of(own, groups).sums) / n
        within = SampleGroups.of(right[inside].astype(np.float64), np.asarray(groups)[inside])
        variance = max(
            within.with_both_ends().variance(), likely[at] * (1 - likely[at]) / bins.n[at]
        )
        bias += bins.n[at] / n * math.sqrt(variance)
    spread = math.sqrt(float((moved**2).sum() + moved.sum() ** 2 / len(moved)))
    reach = of_all.quantile(measure.level) * spread
    return replace(
        measure,
        low=max(0.0, measure.value - bias - reach),
        high=min(1.0, measure.value + reach),
        method="conservative: bias (Jensen) and variance (Efron-Stein) bounds, grouped",
    )


def grouped_records(
    bins: ReliabilityBins,
    confidence: ArrayLike,
    correct: ArrayLike,
    groups: ArrayLike,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """Return the bins' records, each with an interval that allows for groups.

    A bin with rows of one group alone has the interval from 0 to 1: it says nothing of others.

    Args:
        bins: Of these rows.
        confidence: `[N]` in [0, 1].
        correct: `[N]` booleans.
        groups: `[N]` names or None.
        level: Confidence level.
    """
    index, right = _bin_of(bins, floats_of(confidence, "confidence")), verdicts(correct, "correct")
    records = []
    for at, record in enumerate(bins.records(level)):
        inside = index == at
        bounds = grouped_interval(right[inside], np.asarray(groups)[inside], level=level)
        low, high = (0.0, 1.0) if bounds is None else bounds[:2]
        records.append({**record, "accuracy_low": low, "accuracy_high": high})
    return records


def _bin_of(bins: ReliabilityBins, confidence: Floats) -> NDArray[np.intp]:
    """Return the bin of each of the rows `[N]` that the bins were made of, 0 .. B - 1."""
    if bins.edge == "left":
        at = np.searchsorted(bins.low, confidence, side="right") - 1
    else:
        at = np.searchsorted(bins.high, confidence, side="left")
    return np.minimum(at, len(bins.n) - 1)
