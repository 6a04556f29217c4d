"""The weighted quantile of scores, where the weight of what is judged is known last."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["effective_size", "log_limits"]


def log_limits(weights: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Return up to which weight of a test row each score is high enough, as logarithms.

    Row i of n sorted scores, with T the sum of all weights and C the sum of the first i, holds a
    share 1 - alpha of T + w, if C >= (1 - alpha)(T + w): if w <= C / (1 - alpha) - T. The first
    score of which that is true is the weighted quantile; where it is true of none, the quantile is
    infinite. Sums are exact, so that with equal weights the rank is ceil((n + 1)(1 - alpha)).

    Args:
        weights: `[n]`, not negative, in the order of the scores.
        alpha: Above 0 and below 1, as it is written.

    Returns:
        `[n]`, never falling; -inf where the score is high enough for no row.
    """
    share = 1 - Fraction(str(alpha))
    exact = [Fraction(weight) for weight in weights.tolist()]
    total, reached, found = sum(exact, Fraction()), Fraction(), []
    for weight in exact:
        reached += weight
        found.append(_log_below(reached / share - total))
    return np.array(found)


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return how many equal weights are worth as much: the square of the sum by that of squares."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _log_below(limit: Fraction) -> float:
    """Return the logarithm of the largest float that is not above a limit; -inf below 0."""
    if limit <= 0:
        return -math.inf
    near = float(limit)
    if Fraction(near) > limit:
        near = math.nextafter(near, -math.inf)
    return math.log(near) if near > 0 else -math.inf
