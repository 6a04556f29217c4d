"""How good stated Gaussians are as wholes: their score, their width, and their quantiles.

A target is one number or D of them, of which a measure is the mean, as in `regression`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.plot import Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.regression import own_mean, residuals, spread_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["crps_values", "interval_widths", "quantile_calibration", "quantile_ranks"]


def crps_values(mean: ArrayLike, variance: ArrayLike, target: ArrayLike) -> Floats:
    """Return `[N]`, the continuous ranked probability score of a Gaussian, a mean over D numbers.

    In the unit of the target; of a Gaussian without spread it would be the absolute error.

    Args:
        mean: `[N]` or `[N, D]`.
        variance: Alike, above 0.
        target: Alike.

    Raises:
        DataError: Shapes differ, a value is not finite, or a variance is not above 0.

    Reference:
        T. Gneiting, A. E. Raftery, A. H. Westveld, T. Goldman, "Calibrated probabilistic
        forecasting using ensemble model output statistics and minimum CRPS estimation", 2005,
        equation 5.

    Example:
        >>> round(float(crps_values([0.0], [1.0], [0.0])[0]), 6)
        0.233695
    """
    from scipy.special import ndtr

    sigma = np.sqrt(spread_of(mean, variance))
    z = residuals(mean, target) / sigma
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return own_mean(sigma * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi)))


def interval_widths(variance: ArrayLike, *, level: float) -> Floats:
    """Return `[N]`, how wide the central Gaussian interval is, a mean over D numbers.

    Args:
        variance: `[N]` or `[N, D]`, above 0.
        level: How many targets it should hold, inside (0, 1).

    Raises:
        DataError: A variance is not above 0.

    Example:
        >>> round(float(interval_widths([4.0], level=0.9)[0]), 4)
        6.5794
    """
    from scipy.special import ndtri

    return own_mean(2 * float(ndtri((1 + level) / 2)) * np.sqrt(spread_of(variance, variance)))


def quantile_ranks(mean: ArrayLike, variance: ArrayLike, target: ArrayLike) -> Floats:
    """Return `[N, D]`, of which stated quantile each target is: uniform where Gaussians are right.

    Args:
        mean: `[N]` or `[N, D]`.
        variance: Alike, above 0.
        target: Alike.

    Raises:
        DataError: As `crps_values`.

    Example:
        >>> quantile_ranks([0.0], [1.0], [0.0]).tolist()
        [[0.5]]
    """
    from scipy.special import ndtr

    ranks: Floats = ndtr(-residuals(mean, target) / np.sqrt(spread_of(mean, variance)))
    return ranks


def quantile_calibration(ranks: ArrayLike, *, levels: int = 19, level: float = 0.95) -> Measure:
    """Return how far the shares of targets below stated quantiles lie from what they should be.

    Args:
        ranks: `[N, D]`, from `quantile_ranks`.
        levels: Of so many quantiles, at 1 / (levels + 1) and its multiples below 1.
        level: Confidence level. Of single numbers (D = 1) the interval is conservative: no share
            is farther from the true one than the band of Dvoretzky, Kiefer, Wolfowitz and Massart.

    Returns:
        The mean over quantiles of |share below - quantile|; `details` hold `quantiles`, `shares`
        (of all D numbers together), `largest`, the largest difference, and the plot.

    Raises:
        DataError: There are no ranks, or they are not in [0, 1].

    Reference:
        V. Kuleshov, N. Fenner, S. Ermon, "Accurate uncertainties for deep learning using
        calibrated regression", 2018, section 3 (they sum squares); P. Massart, "The tight
        constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990.

    Example:
        >>> round(quantile_calibration([[0.5], [0.5]], levels=1).value, 6)
        0.5
    """
    values = np.asarray(ranks, np.float64)
    if values.ndim != 2 or not values.size or not ((values >= 0) & (values <= 1)).all():
        raise DataError(f"expected ranks [N, D] in [0, 1], got {list(values.shape)}")
    if levels < 1:
        raise DataError(f"expected levels as 1 or more, got {levels}")
    quantiles = np.arange(1, levels + 1) / (levels + 1)
    below = np.searchsorted(np.sort(values, axis=None), quantiles, side="right") / values.size
    gaps = np.abs(below - quantiles)
    value = float(gaps.mean())
    low = high = method = None
    if values.shape[1] == 1:
        band = math.sqrt(math.log(2 / (1 - level)) / (2 * len(values)))
        low, high = max(0.0, value - band), min(1.0, value + band)
        method = "conservative: Dvoretzky-Kiefer-Wolfowitz-Massart"
    plot = Plot(
        "line",
        [0.0, *quantiles.tolist(), 1.0],
        [0.0, *below.tolist(), 1.0],
        "predicted quantile",
        "share of targets below it",
    )
    return Measure(
        value=value,
        n=len(values),
        low=low,
        high=high,
        level=level,
        method=method,
        convention={"quantiles": levels, "norm": "l1", "side": "below"},
        better="lower",
        details={
            "quantiles": quantiles.tolist(),
            "shares": below.tolist(),
            "largest": float(gaps.max()),
            "plot": plot.as_json(),
        },
    )
