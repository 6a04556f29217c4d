"""What a Brier score is made of: reliability, resolution and uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adversity.metrics.classwise import class_reliability
from adversity.metrics.predictions import class_probs
from adversity.metrics.proper_scores import brier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from adversity.metrics.reliability import ReliabilityBins

__all__ = ["BrierParts", "brier_parts", "brier_parts_of"]


@dataclass(frozen=True, slots=True)
class BrierParts:
    """The three terms of a Brier score, each summed over classes: their sum with signs is the score.

    Attributes:
        reliability: Mean squared gap between the probabilities of a bin and how often the class is
            true there; 0 where calibrated.
        resolution: How far these frequencies lie from the overall one, and what probabilities tell
            within a bin; higher is better. Below 0 where what they say within bins misleads.
        uncertainty: The score of an answer with the overall frequencies: it hangs on the labels alone.
        within_bins: That part of the resolution that is told within bins, 0 where the probabilities
            of a bin are equal.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float

    @property
    def score(self) -> float:
        """The Brier score, reliability - resolution + uncertainty."""
        return self.reliability - self.resolution + self.uncertainty


def brier_parts(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
) -> BrierParts:
    """Return reliability, resolution and uncertainty of the Brier score, over bins of equal width.

    Where probabilities of one bin differ, Murphy's three terms alone do not add up to the score;
    what is missing, their variance and covariance with the truth within bins, counts as resolution.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: How many for the probabilities of each class.

    Raises:
        DataError: The arrays do not fit.

    Reference:
        A. H. Murphy, "A new vector partition of the probability score", 1973; D. B. Stephenson,
        C. A. S. Coelho, I. T. Jolliffe, "Two extra components in the Brier score decomposition",
        2008, equation 9 (the generalised resolution).

    Example:
        >>> parts = brier_parts([[0.75, 0.25], [0.75, 0.25]], [0, 1])
        >>> parts.reliability, parts.resolution, parts.uncertainty
        (0.125, 0.0, 0.5)
    """
    values = class_probs(probs, logits)
    each = class_reliability(values, labels, bins=bins)
    return brier_parts_of(each, brier(values, labels).value)


def brier_parts_of(each: Sequence[ReliabilityBins], score: float) -> BrierParts:
    """Return what `brier_parts` does, from the bins of each class and the score itself.

    Args:
        each: K, from `class_reliability` or a `ClasswiseAccumulator`.
        score: The Brier score of the same rows, summed over classes.
    """
    reliability, between, uncertainty = [], [], []
    for bins in each:
        share, rate = bins.n / bins.rows, bins.correct.sum() / bins.rows
        reliability.extend((share * (bins.confidence - bins.accuracy) ** 2).tolist())
        between.extend((share * (bins.accuracy - rate) ** 2).tolist())
        uncertainty.append(float(rate * (1 - rate)))
    gap, spread, doubt = math.fsum(reliability), math.fsum(between), math.fsum(uncertainty)
    whole = gap + doubt - score
    # Rounding of the score, where the probabilities of every bin are equal.
    within = whole - spread
    if abs(within) <= 8 * np.finfo(np.float64).eps:
        whole, within = spread, 0.0
    return BrierParts(gap, whole, doubt, within)
