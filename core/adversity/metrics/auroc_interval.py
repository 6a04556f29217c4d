"""The interval of an AUROC: DeLong's, or a bound where few samples decide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity.metrics.intervals import mean_and_error, normal_quantile, wilson_of
from adversity.metrics.predictions import array_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["Placements", "auroc_interval", "chernoff", "twice_wins"]

_ENOUGH = 10
"""So many samples of the smaller group on either side make DeLong's variance reliable. With fewer,
at an AUROC of .97 with 20 samples beside 1000, its 95 % interval held the truth in 69 % of draws,
and Newcombe's method 5 (2006) in 83 % where the two spreads differ."""


@dataclass(frozen=True, slots=True)
class Placements:
    """Where each sample stands in the other group, and which samples are in both.

    Attributes:
        known: `[N]`, for each known sample the share of the unknown that exceed it, ties half.
        unknown: `[M]`, for each unknown sample the share of the known that it exceeds, ties half.
        of_known, of_unknown: `[S]`, the rows of the samples that are in both groups.
        own: `[S]`, 1 where such a sample's unknown score exceeds its known one, 1/2 for a tie.
    """

    known: Floats
    unknown: Floats
    of_known: NDArray[np.int64]
    of_unknown: NDArray[np.int64]
    own: Floats

    @classmethod
    def of(cls, known: Floats, unknown: Floats, ids: tuple[Any, Any] | None) -> Placements:
        """Compare two groups of scores.

        Args:
            known: `[N]`.
            unknown: `[M]`.
            ids: Of both groups, N and M; None where no sample is in both.

        Raises:
            DataError: The ids are not one for each score, each once.
        """
        at, there = _in_both(ids, len(known), len(unknown))
        first, second = known[at], unknown[there]
        return cls(
            known=1 - twice_wins(known, unknown) / (2 * len(unknown)),
            unknown=twice_wins(unknown, known) / (2 * len(known)),
            of_known=at,
            of_unknown=there,
            own=(second > first) + (second == first) / 2,
        )

    @property
    def smaller(self) -> int:
        """Samples of the smaller group."""
        return min(len(self.known), len(self.unknown))

    def error(self, value: float) -> float:
        """Return DeLong's standard error, with the covariance of samples in both groups."""
        groups = (self.known, self.unknown)
        error = math.hypot(*(mean_and_error(group)[1] for group in groups))
        if not len(self.own) or self.smaller < 2:
            return error
        products = (self.known[self.of_known] - value) * (self.unknown[self.of_unknown] - value)
        pairs = math.prod(len(group) * (len(group) - 1) for group in groups)
        covariance = math.fsum(products.tolist()) / math.sqrt(pairs)
        return math.sqrt(max(0.0, error**2 + 2 * covariance))

    def without_own(self) -> float:
        """Return the AUROC of each sample of the smaller group against all others, in the mean."""
        shares, rows, others = self.known.copy(), self.of_known, len(self.unknown)
        if len(self.unknown) < len(self.known):
            shares, rows, others = self.unknown.copy(), self.of_unknown, len(self.known)
        if others > 1:
            shares[rows] = (shares[rows] * others - self.own) / (others - 1)
        return min(1.0, max(0.0, mean_and_error(shares)[0]))


def auroc_interval(value: float, placed: Placements, level: float) -> tuple[float, float, str]:
    """Return bounds and method; which one and why is in `auroc`.

    Args:
        value: The AUROC.
        placed: The samples that it is of.
        level: Confidence level.
    """
    error = placed.error(value)
    if error > 0 and placed.smaller * min(value, 1 - value) >= _ENOUGH:
        middle = math.log(value / (1 - value))
        half = normal_quantile(level) * error / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-at)) for at in (middle - half, middle + half))
        return low, high, "delong, logit"
    if not len(placed.own):
        return *wilson_of(value, placed.smaller, level), "wilson, the smaller group"
    low, high = chernoff(placed.without_own(), placed.smaller // 2, level)
    return min(low, value), max(high, value), "chernoff, half of the smaller group"


def twice_wins(scores: Floats, others: Floats) -> NDArray[np.int64]:
    """Return for each score twice how many others it exceeds, those that equal it counting half."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, scores, side="left")
    wins: NDArray[np.int64] = below + np.searchsorted(ranked, scores, side="right")
    return wins


def chernoff(value: float, n: int, level: float) -> tuple[float, float]:
    """Return the shares p that n independent values in [0, 1] with this mean leave possible.

    Those with `n KL(value, p) <= log(2 / (1 - level))`, by Hoeffding's first theorem. An AUROC is
    an average of such means: let every sample that is in both groups, and couples of others, sit
    in a circle in any order, and compare each known one with the unknown one beside it. Every
    second comparison has no sample in common with another, so that half of them are independent;
    as in his section 5, the average over all orders is bounded as each mean is.
    """
    limit = math.log(2 / (1 - level)) / n if n else math.inf
    bounds = []
    for end in (0.0, 1.0):
        inside, outside = value, end
        while (middle := (inside + outside) / 2) not in (inside, outside):
            if _divergence(value, middle) <= limit:
                inside = middle
            else:
                outside = middle
        bounds.append(outside)
    return bounds[0], bounds[1]


def _divergence(value: float, p: float) -> float:
    """Return the Kullback-Leibler divergence of two shares in nats, p inside (0, 1)."""
    parts = ((value, p), (1 - value, 1 - p))
    return math.fsum(part * math.log(part / other) for part, other in parts if part > 0)


def _in_both(
    ids: tuple[ArrayLike, ArrayLike] | None, known: int, unknown: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows in each group of the samples that both have.

    Raises:
        DataError: The ids are not one for each score, each once.
    """
    if ids is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, second = _each_once(ids[0], known, "known"), _each_once(ids[1], unknown, "unknown")
    _, at, there = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return at.astype(np.int64), there.astype(np.int64)


def _each_once(ids: ArrayLike, count: int, name: str) -> NDArray[Any]:
    """Return the ids of a group.

    Raises:
        DataError: They are not one for each score, or one comes twice.
    """
    array = array_of(ids, f"{name}_ids")
    if array.shape != (count,):
        raise DataError(
            f"expected {name}_ids [{count}], one for each {name} score, got {list(array.shape)}"
        )
    values, counts = np.unique(array, return_counts=True)
    if len(values) < count:
        twice = values[counts > 1][0]
        raise DataError(
            f"expected each of {name}_ids once, got {twice!s} {counts.max()} times: a sample has "
            "one score in a group"
        )
    return array
