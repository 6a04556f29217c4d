"""How gaps between confidence and accuracy become one number, and within what bounds it holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from adversity.errors import DataError
from adversity.metrics.intervals import normal_quantile

if TYPE_CHECKING:
    from adversity.metrics.predictions import Floats
    from adversity.metrics.reliability import ReliabilityBins

__all__ = [
    "Norm",
    "Weights",
    "debiased_square",
    "error_bounds",
    "interval_of",
    "norm_of",
    "shares_of",
]

Weights = Literal["count", "uniform"]
Norm = Literal["l1", "l2", "max"]
"""`l1`: the weighted mean of the gaps. `l2`: the root of that of their squares. `max`: the largest."""


def shares_of(bins: ReliabilityBins, weights: str) -> Floats:
    """Return what each bin weighs, `[B]`; the sum is 1.

    Raises:
        DataError: `weights` is unknown.
    """
    if weights == "count":
        return bins.n / bins.rows
    if weights == "uniform":
        return np.full(len(bins.n), 1 / len(bins.n))
    raise DataError(f'expected weights "count" or "uniform", got {weights!r}')


def norm_of(gaps: Floats, share: Floats, norm: str) -> float:
    """Return the norm of gaps `[B]` under weights `[B]`.

    Raises:
        DataError: `norm` is unknown.
    """
    if norm == "l1":
        return math.fsum((share * np.abs(gaps)).tolist())
    if norm == "l2":
        return math.sqrt(math.fsum((share * gaps**2).tolist()))
    if norm == "max":
        return float(np.abs(gaps).max())
    raise DataError(f'expected norm "l1", "l2" or "max", got {norm!r}')


def error_bounds(bins: ReliabilityBins, share: Floats, norm: str) -> tuple[float, float]:
    """Return by how much the error is too large on average at most, and its deviation at most.

    With w the weights, n the counts and v the variances of being right (at the accuracy
    (right + 1) / (n + 2)). A norm of gaps with errors lies on average not below that of the gaps
    (Jensen), and above by the norm of the errors at most. One verdict moves it by c / n at most
    with c = w, sqrt(w) or 1, and so the variance is at most `sum c^2 v / n` (Efron and Stein).
    """
    likely = (bins.correct + 1) / (bins.n + 2)
    variance = likely * (1 - likely) / bins.n
    moves = {"l1": share, "l2": np.sqrt(share), "max": np.ones_like(share)}[norm]
    spread = math.sqrt(math.fsum((moves**2 * variance).tolist()))
    # Of l2 and max the norm of the errors is at most the root of its mean square.
    bias = math.fsum((share * np.sqrt(variance)).tolist()) if norm == "l1" else spread
    return bias, spread


def debiased_square(bins: ReliabilityBins) -> tuple[float, int]:
    """Return the squared l2 error without its bias, and how many bins have one row.

    From each squared gap goes what sampling alone adds to it on average, accuracy (1 - accuracy) /
    (n - 1). The result may lie below 0. A bin of one row does not tell its variance: nothing is
    taken off.

    Reference:
        A. Kumar, P. Liang, T. Ma, "Verified uncertainty calibration", 2019, definition 4.1.
    """
    accuracy, share = bins.accuracy, bins.n / bins.rows
    noise = accuracy * (1 - accuracy) / np.maximum(bins.n - 1, 1)
    squares = share * ((accuracy - bins.confidence) ** 2 - noise)
    return math.fsum(squares.tolist()), int((bins.n == 1).sum())


def interval_of(value: float, bias: float, spread: float, level: float) -> tuple[float, float]:
    """Return the conservative interval of an error between 0 and 1."""
    reach = normal_quantile(level) * spread
    return max(0.0, value - bias - reach), min(1.0, value + reach)
