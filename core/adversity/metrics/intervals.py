"""Intervals for shares and for means.

A share gets the Wilson interval (good from n = 10 on, never empty, never outside [0, 1]);
Clopper-Pearson is there where coverage must be guaranteed. A mean gets Student's interval:
it needs no random numbers, so a stored result is the same bytes every time, and it holds
its level at the sizes seen here (n >= 20) better than a percentile bootstrap, which is
known to be too short at small n.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.exact_sum import exact_sum
from adversity.metrics.predictions import floats_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["clopper_pearson", "mean_interval", "share", "wilson", "wilson_of"]


def normal_quantile(level: float) -> float:
    """Return the two-sided standard normal quantile, 1.96 for a level of 0.95.

    Raises:
        DataError: `level` is not inside (0, 1).
    """
    check_level(level)
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for a share, without continuity correction.

    Args:
        successes: 0 .. n.
        n: At least 1.
        level: Confidence level.

    Raises:
        DataError: The counts do not make a share.

    Reference:
        E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", 1927.

    Example:
        >>> [round(bound, 4) for bound in wilson(18, 20)]
        [0.699, 0.9721]
    """
    _check_counts(successes, n)
    return wilson_of(successes / n, n, level)


def wilson_of(value: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the same interval for a share that was measured already.

    Args:
        value: 0 .. 1.
        n: Of how many; at least 1.
        level: Confidence level.

    Example:
        >>> wilson_of(0.9, 20) == wilson(18, 20)
        True
    """
    z = normal_quantile(level)
    centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    # Exact at the ends, where rounding would leave 1e-17 instead of 0.
    low = 0.0 if value == 0 else max(0.0, centre - half)
    high = 1.0 if value == 1 else min(1.0, centre + half)
    return low, high


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial interval: coverage is never below `level`.

    Args:
        successes: 0 .. n.
        n: At least 1.
        level: Confidence level.

    Raises:
        DataError: The counts do not make a share.

    Reference:
        C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated
        in the case of the binomial", 1934.
    """
    from scipy.special import betaincinv

    _check_counts(successes, n)
    check_level(level)
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high


def share(
    successes: int,
    n: int,
    *,
    level: float = 0.95,
    better: str | None = None,
    convention: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Measure:
    """Return a share with its Wilson interval as a measure."""
    low, high = wilson(successes, n, level)
    return Measure(
        value=successes / n,
        n=n,
        low=low,
        high=high,
        level=level,
        method="wilson",
        convention=dict(convention or {}),
        better=better,
        details=dict(details or {}),
    )


def mean_interval(
    values: ArrayLike,
    *,
    level: float = 0.95,
    within: tuple[float, float] | None = None,
    infinite: Literal["refuse", "leave_out"] = "refuse",
    better: str | None = None,
    unit: str = "",
    convention: Mapping[str, Any] | None = None,
) -> Measure:
    """Return the mean of independent values with Student's interval.

    The sum is exactly rounded, so the order of the values changes nothing. There is no
    interval for one value or where the values show no spread: none was measured.

    Args:
        values: `[N]` real numbers.
        level: Confidence level.
        within: The range that such a mean must lie in; the interval is cut to it, but never to
            less than the mean.
        infinite: Whether infinite values (the PSNR of equal images) are an error, or are
            left out of the mean and counted in `details["infinite"]`.
        better: Goes into the measure, like `unit` and `convention`.
        unit: Of the values.
        convention: Of the values.

    Raises:
        DataError: A value is NaN, infinite values are refused, or no finite value is left.

    Example:
        >>> mean_interval([1.0, 2.0, 3.0]).value
        2.0
    """
    finite, left_out = _finite(values, infinite)
    n = len(finite)
    mean, error = mean_and_error(finite)
    convention = dict(convention or {})
    details = {"infinite": left_out} if infinite == "leave_out" else {}
    if left_out:
        convention["mean"] = "over finite values"
    bounds = _student(mean, error, n, level)
    if bounds is not None and within is not None:
        # The mean itself may be rounded to a hair beyond an end.
        ends = min(within[0], mean), max(within[1], mean)
        bounds = max(ends[0], bounds[0]), min(ends[1], bounds[1])
    return Measure(
        value=mean,
        n=n,
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        level=level,
        method="student t" if bounds else None,
        convention=convention,
        better=better,
        unit=unit,
        details=details,
    )


def mean_and_error(values: Floats) -> tuple[float, float]:
    """Return the mean and its standard error (0 for one value), from exactly rounded sums."""
    n = len(values)
    mean = exact_sum(values) / n
    if n < 2:
        return mean, 0.0
    squares = exact_sum((values - mean) ** 2)
    return mean, math.sqrt(squares / (n - 1) / n)


def _student(mean: float, error: float, n: int, level: float) -> tuple[float, float] | None:
    from scipy.special import stdtrit

    check_level(level)
    # Rounding of equal values leaves an error of this relative size: that is no spread.
    if n < 2 or error <= 1e-15 * abs(mean):
        return None
    half = float(stdtrit(n - 1, (1 + level) / 2)) * error
    return mean - half, mean + half


def _finite(values: ArrayLike, infinite: str) -> tuple[Floats, int]:
    array = floats_of(values, "values")
    if array.ndim != 1 or not len(array):
        raise DataError(f"expected values [N] with N >= 1, got shape {list(array.shape)}")
    if np.isnan(array).any():
        row = int(np.flatnonzero(np.isnan(array))[0])
        raise DataError(f"expected numbers, got NaN in row {row}: leave such rows out by name")
    keep = np.isfinite(array)
    if keep.all():
        return array, 0
    if infinite != "leave_out":
        row = int(np.flatnonzero(~keep)[0])
        raise DataError(
            f'expected finite values, got infinity in row {row}: pass infinite="leave_out" to '
            "count such rows instead"
        )
    if not keep.any():
        raise DataError(f"expected at least one finite value, got {len(array)} infinite ones")
    return array[keep], int((~keep).sum())


def _check_counts(successes: int, n: int) -> None:
    whole_number(successes, "successes", low=0)
    whole_number(n, "n", low=1)
    if successes > n:
        raise DataError(f"expected successes of at most n, got {successes} of {n}")


def check_level(level: object) -> None:
    """Refuse what is no confidence level.

    Raises:
        DataError: It is no number inside (0, 1).
    """
    if not isinstance(level, (float, np.floating)) or not 0 < level < 1:
        raise DataError(f"expected a confidence level between 0 and 1, got {level!r}: write 0.95")
