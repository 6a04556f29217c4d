"""Two methods on the same images, for measures that are no mean over samples: ECE, AUROC, RMSE.

Images are drawn again and again, with replacement and the same for both methods, and the spread of
the difference over the draws is its standard error. Interval and test are Student's with that error:
other than quantiles of the draws, they give p-values as small as a correction for many tests needs,
with few draws. It tells of the measure as it comes out of so many images. For two ECEs (15 bins, 100
and 300 images) whose true values are equal, the interval held 0 in 97 % of simulations or more;
where they are far apart, it held the difference of the true ones in about 68 %, since the ECE of few
images is too large, the smaller one's most. For a mean over samples `paired_difference` needs no
draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.grouped import group_numbers
from adversity.metrics.intervals import check_level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["paired_bootstrap"]

_NO_SPREAD = 1e-12
"""A spread of this size over the draws is rounding."""


def paired_bootstrap(
    difference: Callable[[NDArray[np.int64]], Mapping[str, float]],
    n: int,
    *,
    groups: ArrayLike | None = None,
    draws: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Measure]:
    """Return differences of two methods with intervals, by the same draws of samples for both.

    Args:
        difference: Of measures by name, method a minus method b, over the samples at some places
            `[M]`, 0 to n - 1, where a place may stand several times. It is asked for all samples
            first.
        n: Samples that both methods have.
        groups: `[N]` names, None for a sample that is a group of its own; groups are drawn whole.
        draws: How many times; at least 2.
        level: Confidence level.
        seed: Of the draws; the same seed, the same numbers.

    Returns:
        By name. A measure that some draw does not have (of one class alone, say), or that is the
        same in all draws, has no interval, and `details["p_value"]` is None. `details["draws"]` says
        how many had it.

    Raises:
        DataError: There is no sample, fewer than 2 draws, or not a group for each sample.

    Reference:
        B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993, chapters 6 and 12.
        Where we differ: pairs, and whole groups, are drawn; Student's quantile.

    Example:
        >>> a, b = np.array([3.0, 5.0, 4.0, 6.0]), np.array([2.0, 5.0, 2.0, 5.0])
        >>> found = paired_bootstrap(lambda at: {"median": np.median(a[at]) - np.median(b[at])}, 4)
        >>> found["median"].value, found["median"].n
        (1.0, 4)
    """
    check_level(level)
    if n < 1 or draws < 2:
        raise DataError(f"expected samples and at least 2 draws, got n = {n}, draws = {draws}")
    numbers = np.arange(n) if groups is None else group_numbers(groups)
    if len(numbers) != n:
        raise DataError(f"expected a group, or None, for each of {n} samples, got {len(numbers)}")
    whole = difference(np.arange(n))
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    for places in _draws(numbers, draws, seed):
        for name, value in difference(places).items():
            if name in drawn and np.isfinite(value):
                drawn[name].append(float(value))
    count = int(numbers.max()) + 1
    return {
        name: _measure(value, n, count, drawn[name], draws, level) for name, value in whole.items()
    }


def _draws(numbers: NDArray[np.int64], draws: int, seed: int) -> Any:
    """Yield places of samples: as many groups as there are, drawn with replacement."""
    rng = np.random.Generator(np.random.Philox(seed))
    order = np.argsort(numbers, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(numbers))[:-1])
    for _ in range(draws):
        chosen = rng.integers(0, len(members), len(members))
        yield np.concatenate([members[group] for group in chosen])


def _measure(
    value: float, n: int, groups: int, drawn: list[float], draws: int, level: float
) -> Measure:
    from scipy.special import stdtr, stdtrit

    spread = float(np.std(drawn, ddof=1)) if len(drawn) == draws else 0.0
    known = groups > 1 and spread > _NO_SPREAD * max(1.0, abs(value))
    details: dict[str, Any] = {"p_value": None, "draws": len(drawn)}
    details |= {"groups": groups} if groups < n else {}
    half = 0.0
    if known:
        half = float(stdtrit(groups - 1, (1 + level) / 2)) * spread
        details["p_value"] = 2 * float(stdtr(groups - 1, -abs(value) / spread))
    return Measure(
        value=float(value),
        n=n,
        low=value - half if known else None,
        high=value + half if known else None,
        level=level,
        method="bootstrap, paired" if known else None,
        convention={"difference": "a - b", "test": "bootstrap, paired, student t, two-sided"},
        details=details,
    )
