"""The standard error of a measure that is no mean, from draws of samples with replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError
from adversity.metrics.grouped import group_numbers
from adversity.metrics.intervals import check_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["resampled_interval"]

_DRAWS, _MANY, _FEWER = 200, 100_000, 50
"""How many draws; and above how many samples so many, whose spread is found to a tenth."""
_NO_SPREAD = 1e-12


def resampled_interval(
    measure: Callable[..., float],
    sides: Sequence[int],
    *,
    groups: Sequence[ArrayLike] | None = None,
    level: float = 0.95,
    within: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float, str] | None:
    """Return bounds for a measure of one side of samples, or of two.

    Samples are drawn again and again with replacement, those of each side by themselves, or whole
    groups where samples share them, on both sides together. The spread over the draws is the
    standard error; the quantile is Student's of as many groups as the smaller side has.

    Args:
        measure: Of weights `[N]` float64 for each side, how often each sample was drawn. With ones
            it is the measure itself.
        sides: The number of samples of each side.
        groups: For each side `[N]` names or None; None where no two samples share one.
        level: Confidence level.
        within: The range of the measure; bounds are cut to it.

    Returns:
        Bounds and method; None where nothing varies over the draws, or a side is one group.

    Raises:
        DataError: A side is empty, or there is not a group for each sample.

    Reference:
        B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993, chapter 6.
    """
    from scipy.special import stdtrit

    check_level(level)
    if min(sides) < 1:
        raise DataError(f"expected samples on each side, got {list(sides)}")
    value = measure(*(np.ones(n) for n in sides))
    draw, fewest = _drawing(sides, groups)
    if fewest < 2:
        return None
    rng = np.random.Generator(np.random.Philox(0))
    draws = _DRAWS if sum(sides) <= _MANY else _FEWER
    drawn = [measure(*draw(rng)) for _ in range(draws)]
    spread = float(np.std(drawn, ddof=1))
    if not np.isfinite(spread) or spread <= _NO_SPREAD * max(1.0, abs(value)):
        return None
    half = float(stdtrit(fewest - 1, (1 + level) / 2)) * spread
    low, high = max(within[0], value - half), min(within[1], value + half)
    method = f"student t, error of {draws} draws"
    return low, high, method if groups is None else f"{method}, grouped"


def _drawing(
    sides: Sequence[int], groups: Sequence[ArrayLike] | None
) -> tuple[Callable[[np.random.Generator], list[Floats]], int]:
    """Return what draws weights for each side, and the fewest groups that a side has."""
    if groups is None:

        def each(rng: np.random.Generator) -> list[Floats]:
            return [np.bincount(rng.integers(0, n, n), minlength=n).astype(float) for n in sides]

        return each, min(sides)
    together = np.concatenate([np.asarray(names, dtype=object) for names in groups])
    if [len(np.asarray(names, dtype=object)) for names in groups] != list(sides):
        raise DataError(f"expected a group, or None, for each of {list(sides)} samples")
    parts: list[NDArray[np.int64]] = np.split(group_numbers(together), np.cumsum(sides)[:-1])
    count = max(int(part.max()) for part in parts) + 1

    def whole(rng: np.random.Generator) -> list[Floats]:
        while True:
            times = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
            weights = [times[part] for part in parts]
            if all(one.any() for one in weights):
                return weights

    return whole, min(len(np.unique(part)) for part in parts)
