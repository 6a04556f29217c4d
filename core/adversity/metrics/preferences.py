"""Which of several is preferred, from votes on pairs: the model of Bradley and Terry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["bradley_terry"]

_ENOUGH = 1e-12
_STEPS = 100


def bradley_terry(
    first: ArrayLike,
    second: ArrayLike,
    won: ArrayLike,
    *,
    count: int,
    groups: Sequence[str] | None = None,
    level: float = 0.95,
) -> tuple[Measure, ...]:
    """Return the strength of each contender: natural log-odds of winning, 0 on average.

    A contender whose strength is s above another's is preferred with probability 1 / (1 + exp(-s)).
    Strengths maximise the likelihood of the votes, one without a preference counting half for each
    side. The interval is Student's with the covariance of clustered votes (a sandwich), so that it
    holds although votes on one image go together, and although half votes are no draws.

    Args:
        first: `[N]` whole numbers in 0 .. count - 1, one side of each pair.
        second: `[N]` the other side.
        won: `[N]` 1 where `first` is preferred, 0 where `second` is, 0.5 without a preference.
        count: How many contenders there are, at least 2.
        groups: `[N]` names; votes with the same name go together, such as those on one image. None:
            each vote by itself.
        level: Confidence level.

    Returns:
        A measure for each contender; `n` is the number of its votes, `details["won"]` the share that
        it won. Without an interval where there are fewer than two groups.

    Raises:
        DataError: If a contender, or a part of them, won all or lost all against the others: then no
            finite strengths fit best, and more votes are needed. Or if the arrays do not fit.

    Reference:
        R. A. Bradley, M. E. Terry, "Rank analysis of incomplete block designs", 1952; L. R. Ford,
        "Solution of a ranking problem from binary comparisons", 1957; K.-Y. Liang, S. L. Zeger,
        "Longitudinal data analysis using generalized linear models", 1986.

    Example:
        >>> [round(m.value, 4) for m in bradley_terry([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0], count=2)]
        [0.5493, -0.5493]
    """
    ours, theirs, votes = _checked(first, second, won, count)
    _expect_finite(ours, theirs, votes, count)
    strengths = _most_likely(ours, theirs, votes, count)
    names = np.arange(len(ours)) if groups is None else np.unique(groups, return_inverse=True)[1]
    errors, freedom = _errors(ours, theirs, votes, strengths, names)
    return tuple(
        _measure(at, ours, theirs, votes, strengths, errors, freedom, level) for at in range(count)
    )


def _checked(
    first: ArrayLike, second: ArrayLike, won: ArrayLike, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    ours, theirs = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    votes = np.asarray(won, dtype=np.float64)
    if not (ours.shape == theirs.shape == votes.shape) or ours.ndim != 1 or not len(ours):
        raise DataError(
            f"expected three arrays [N] with N >= 1, got {list(ours.shape)}, {list(theirs.shape)} and "
            f"{list(votes.shape)}; give one of each for a vote"
        )
    both = np.concatenate([ours, theirs])
    if count < 2 or both.min() < 0 or both.max() >= count or (ours == theirs).any():
        raise DataError(
            f"expected pairs of two of {count} contenders, 0 to {count - 1}, got numbers from "
            f"{both.min()} to {both.max()}; number them from 0"
        )
    if not np.isin(votes, (0.0, 0.5, 1.0)).all():
        raise DataError("expected votes of 0, 0.5 or 1, got others; 0.5 is no preference")
    return ours, theirs, votes


def _expect_finite(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], votes: Floats, count: int
) -> None:
    """Refuse votes that some contenders won, or lost, all: Ford's condition."""
    beat = np.eye(count, dtype=bool)
    beat[ours[votes > 0], theirs[votes > 0]] = True
    beat[theirs[votes < 1], ours[votes < 1]] = True
    for middle in range(count):
        beat |= beat[:, middle : middle + 1] & beat[middle : middle + 1, :]
    if not beat.all():
        losers = [at for at in range(count) if not beat[at].all()]
        raise DataError(
            f"expected every contender, and every part of them, to win and to lose some vote against "
            f"the others; number {losers[0]} never won, not even over others, against some: more "
            "votes are needed"
        )


def _gaps(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], strengths: Floats
) -> tuple[Floats, Floats]:
    """Return the probability that `ours` wins each vote, and its variance."""
    chance = 1 / (1 + np.exp(strengths[theirs] - strengths[ours]))
    return chance, chance * (1 - chance)


def _information(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], weights: Floats, count: int
) -> Floats:
    found = np.zeros((count, count))
    np.add.at(found, (ours, ours), weights)
    np.add.at(found, (theirs, theirs), weights)
    np.add.at(found, (ours, theirs), -weights)
    np.add.at(found, (theirs, ours), -weights)
    return found


def _inverse(information: Floats) -> Floats:
    """Invert what says nothing of adding one number to all strengths, on strengths of mean 0."""
    flat = np.full_like(information, 1 / len(information))
    inverse: Floats = np.linalg.inv(information + flat) - flat
    return inverse


def _most_likely(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], votes: Floats, count: int
) -> Floats:
    """Maximise the likelihood by Newton's steps, halved until it does not fall."""
    strengths = np.zeros(count)
    height = _likelihood(ours, theirs, votes, strengths)
    for _ in range(_STEPS):
        chance, variance = _gaps(ours, theirs, strengths)
        slope = np.zeros(count)
        np.add.at(slope, ours, votes - chance)
        np.add.at(slope, theirs, chance - votes)
        step = _inverse(_information(ours, theirs, variance, count)) @ slope
        size = 1.0
        while (
            size > _ENOUGH
            and (new := _likelihood(ours, theirs, votes, strengths + size * step)) < height
        ):
            size /= 2
        strengths = strengths + size * step
        strengths -= strengths.mean()
        height = new
        if np.abs(step).max() < _ENOUGH:
            break
    return strengths


def _likelihood(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], votes: Floats, strengths: Floats
) -> float:
    gap = strengths[ours] - strengths[theirs]
    return math.fsum(votes * -np.logaddexp(0, -gap) + (1 - votes) * -np.logaddexp(0, gap))


def _errors(
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    votes: Floats,
    strengths: Floats,
    groups: NDArray[np.int64],
) -> tuple[Floats | None, int]:
    """Return the standard error of each strength, and the degrees of freedom; None for one group."""
    count, clusters = len(strengths), int(groups.max()) + 1
    if clusters < 2:
        return None, 0
    chance, variance = _gaps(ours, theirs, strengths)
    slopes = np.zeros((clusters, count))
    np.add.at(slopes, (groups, ours), votes - chance)
    np.add.at(slopes, (groups, theirs), chance - votes)
    bread = _inverse(_information(ours, theirs, variance, count))
    meat = slopes.T @ slopes * clusters / (clusters - 1)
    return np.sqrt(np.diag(bread @ meat @ bread).clip(min=0)), clusters - 1


def _measure(
    at: int,
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    votes: Floats,
    strengths: Floats,
    errors: Floats | None,
    freedom: int,
    level: float,
) -> Measure:
    from scipy.special import stdtrit

    mine = np.concatenate([votes[ours == at], 1 - votes[theirs == at]])
    half = None
    if errors is not None and errors[at] > 0:
        half = float(stdtrit(freedom, (1 + level) / 2) * errors[at])
    value = float(strengths[at])
    return Measure(
        value=value,
        n=len(mine),
        low=None if half is None else value - half,
        high=None if half is None else value + half,
        level=level,
        method=None if half is None else "student t, sandwich, grouped",
        convention={"scale": "natural log-odds", "zero": "mean", "ties": "half to each"},
        better="higher",
        details={"won": float(mine.mean()) if len(mine) else 0.0},
    )
