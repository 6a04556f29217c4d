"""Errors of numbers, and how good their stated variances are.

A target is one number or D of them. Unless said, a measure is the mean over samples of the mean over
the D numbers, so that D = 1 is the plain definition. Not here: reading tables.

Reference: C. F. Gauss, 1809 (squared errors); S. Wright, "Correlation and causation", 1921 (R^2);
D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target probability distribution",
1994 (the likelihood); T. Gneiting, F. Balabdaoui, A. E. Raftery, "Probabilistic forecasts,
calibration and sharpness", 2007 (coverage).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity.metrics.grouped import grouped
from adversity.metrics.intervals import mean_interval
from adversity.metrics.paired import paired_difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.contracts.values import Measure
    from adversity.metrics.predictions import Floats

__all__ = [
    "absolute_errors",
    "covered",
    "gaussian_nats",
    "r_squared",
    "rmse",
    "rmse_gain",
    "squared_residuals",
]


def absolute_errors(mean: ArrayLike, target: ArrayLike) -> Floats:
    """Return `[N]`, the absolute error of each sample, a mean over the D numbers.

    Args:
        mean: What was estimated, `[N]` or `[N, D]`.
        target: What is right, alike.

    Raises:
        DataError: If shapes differ, there is no sample, or a value is not finite.

    Example:
        >>> absolute_errors([[1.0, 2.0]], [[0.0, 4.0]]).tolist()
        [1.5]
    """
    return own_mean(np.abs(residuals(mean, target)))


def squared_residuals(mean: ArrayLike, target: ArrayLike) -> Floats:
    """Return `[N]`, the squared error of each sample, a mean over the D numbers.

    Args and errors are those of `absolute_errors`.
    """
    return own_mean(residuals(mean, target) ** 2)


def rmse(mean: ArrayLike, target: ArrayLike, groups: ArrayLike | None = None) -> Measure:
    """Return the root of the mean squared error.

    The interval is the root of Student's for the mean square, whose ends it moves alike.

    Args:
        mean: What was estimated, `[N]` or `[N, D]`.
        target: What is right, alike.
        groups: `[N]` names or None: samples of one group are not independent.

    Raises:
        DataError: As `absolute_errors`.

    Example:
        >>> rmse([1.0, 3.0], [1.0, 0.0]).value
        2.1213203435596424
    """
    squares = squared_residuals(mean, target)
    square = grouped(
        mean_interval(squares, within=(0.0, math.inf), better="lower"),
        squares,
        groups,
        within=(0.0, math.inf),
    )
    method = square.method and square.method.replace("student t", "student t of the mean square")
    return replace(
        square,
        value=math.sqrt(square.value),
        low=None if square.low is None else math.sqrt(square.low),
        high=None if square.high is None else math.sqrt(square.high),
        method=method,
    )


def rmse_gain(
    mean: ArrayLike,
    before: ArrayLike,
    target: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return by how much the RMSE is smaller than that of other estimates of the same samples.

    Both roots are linearised: each sample has a share in either, and the difference of its shares is
    what Student's paired interval and test are of, in groups those of the groups. So what the two
    have in common, as hard images, widens nothing.

    Args:
        mean: What was estimated, `[N]` or `[N, D]`.
        before: What was estimated otherwise, alike.
        target: What is right, alike.
        groups: `[N]` names or None: samples of one group are not independent.
        level: Confidence level.

    Returns:
        RMSE of `before` minus that of `mean`: above 0 it is better than before. `details["p_value"]`
        is two-sided, None where nothing varies.

    Raises:
        DataError: As `absolute_errors`.

    Reference:
        B. Efron, "The jackknife, the bootstrap and other resampling plans", 1982, chapter 6 (the
        delta method: its spread is that of the bootstrap, for samples that are not few).

    Example:
        >>> rmse_gain([1.0, 2.0], [3.0, 1.0], [1.0, 1.0]).value == 2**0.5 - 0.5**0.5
        True
    """
    first, second = (_shares(squared_residuals(said, target)) for said in (before, mean))
    gain = paired_difference(first, second, groups=groups, level=level, better="higher")
    method = gain.method and gain.method.replace("student t", "student t of the linearised RMSE")
    value = rmse(before, target).value - rmse(mean, target).value
    told = {**gain.convention, "difference": "before - after"}
    return replace(gain, value=value, method=method, convention=told)


def _shares(squares: Floats) -> Floats:
    """Return `[N]` whose mean is the root of the mean of squares, each as far as its square moves it."""
    root = math.sqrt(mean_interval(squares).value)
    shares: Floats = squares if root == 0 else squares / (2 * root) + root / 2
    return shares


def r_squared(mean: ArrayLike, target: ArrayLike) -> float | None:
    """Return the share of the targets' variance that is explained, a mean over the D numbers.

    1 minus the squared errors over those of the targets' own mean: 1 is perfect, 0 as good as
    that mean, and there is no lower end.

    Args:
        mean: What was estimated, `[N]` or `[N, D]`.
        target: What is right, alike.

    Returns:
        None where some number is the same for all samples: it has no variance to be explained.

    Raises:
        DataError: As `absolute_errors`.

    Example:
        >>> r_squared([1.0, 2.0, 3.5], [1.0, 2.0, 3.0])
        0.875
    """
    apart, right = residuals(mean, target), _wide(target)
    if not (np.ptp(right, 0) > 0).all():  # their mean is rounded: equal ones may differ from it
        return None
    around = ((right - right.mean(0)) ** 2).sum(0)
    return float((1 - (apart**2).sum(0) / around).mean())


def gaussian_nats(mean: ArrayLike, variance: ArrayLike, target: ArrayLike) -> Floats:
    """Return `[N]`, minus the log density of each target under a Gaussian, a mean over D numbers.

    Args:
        mean: `[N]` or `[N, D]`.
        variance: Alike, above 0.
        target: Alike.

    Raises:
        DataError: As `absolute_errors`, or if a variance is not above 0.

    Example:
        >>> round(float(gaussian_nats([0.0], [1.0], [0.0])[0]), 4)
        0.9189
    """
    spread = spread_of(mean, variance)
    apart = residuals(mean, target)
    return own_mean(0.5 * (np.log(2 * np.pi * spread) + apart**2 / spread))


def covered(
    mean: ArrayLike, variance: ArrayLike, target: ArrayLike, *, level: float
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return `[N, D]`, which numbers lie in the central Gaussian interval around the mean.

    Args:
        mean: `[N]` or `[N, D]`.
        variance: Alike, above 0.
        target: Alike.
        level: How many should, inside (0, 1).

    Raises:
        DataError: As `gaussian_nats`.

    Example:
        >>> covered([0.0, 0.0], [1.0, 1.0], [1.6, 1.7], level=0.9).tolist()
        [[True], [False]]
    """
    from scipy.special import ndtri

    reach = float(ndtri((1 + level) / 2))
    spread = spread_of(mean, variance)
    held: np.ndarray[Any, np.dtype[np.bool_]]
    held = np.abs(residuals(mean, target)) <= reach * np.sqrt(spread)
    return held


def own_mean(values: Floats) -> Floats:
    """Return the mean of each row; of one number the number itself, to the last bit."""
    own: Floats = values[:, 0] if values.shape[1] == 1 else values.mean(1)
    return own


def spread_of(mean: ArrayLike, variance: ArrayLike) -> Floats:
    spread = _wide(variance)
    if spread.shape != _wide(mean).shape or not bool((spread > 0).all()):
        raise DataError(
            f"expected a variance above 0 for each of {_wide(mean).shape} numbers, got "
            f"{spread.shape} from {spread.min(initial=np.inf):.6g} on"
        )
    return spread


def residuals(mean: ArrayLike, target: ArrayLike) -> Floats:
    said, right = _wide(mean), _wide(target)
    if said.shape != right.shape or not said.size:
        raise DataError(
            f"expected a number for each target, [N] or [N, D], got {said.shape} and {right.shape}"
        )
    apart = said - right
    if not bool(np.isfinite(apart).all()):
        raise DataError("expected finite numbers and targets, got NaN or infinity")
    return apart


def _wide(values: ArrayLike) -> Floats:
    """Return numbers as `[N, D]` float64."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in (1, 2):
        raise DataError(f"expected numbers [N] or [N, D], got {list(array.shape)}")
    return array[:, None] if array.ndim == 1 else array
