"""Calibration error with bounds that hold, and a test of perfect calibration.

The plug-in error is biased upwards: a perfectly calibrated model shows 0.04 with 1000 rows
and 15 bins. A bootstrap of it inherits the bias and never covers 0. So the interval here
is built from bounds on bias and spread, and a consistency test says what a calibrated
model would have shown.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.intervals import mean_interval, normal_quantile
from adversity.metrics.predictions import floats_of, verdicts, whole_number
from adversity.metrics.reliability import (
    Edge,
    ReliabilityBins,
    Spacing,
    reliability,
    top_class,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["calibration_error", "confidence_gap", "confidence_gap_of", "consistency_test", "ece"]

Weights = Literal["count", "uniform"]


def ece(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
    edge: Edge = "guo",
    spacing: Spacing = "width",
    weights: Weights = "count",
    level: float = 0.95,
) -> Measure:
    """Return the expected calibration error of the top class.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: How many.
        edge: `guo` for bins (low, high], `left` for [low, high) with the last one closed.
        spacing: Bins of equal `width` or of equal `mass` with ties kept together.
        weights: Bins weigh by `count`, or all the same (`uniform`).
        level: Confidence level of the interval, see `calibration_error`.

    Returns:
        The error; `details["bins"]` holds the reliability bins.

    Raises:
        DataError: The arrays or the rule do not fit.

    Reference:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
        networks", 2017, equation 5.

    Example:
        >>> round(ece([[0.9, 0.1], [0.9, 0.1]], [0, 1], bins=10).value, 6)
        0.4
    """
    diagram = reliability(probs, labels, logits=logits, bins=bins, edge=edge, spacing=spacing)
    return calibration_error(diagram, weights=weights, level=level)


def calibration_error(
    bins: ReliabilityBins, *, weights: Weights = "count", level: float = 0.95
) -> Measure:
    """Return the weighted mean of |accuracy - confidence| over the bins.

    The interval is conservative, for the binned error at these confidences. With w the
    weights, n the counts and v the variances of being right: the estimate lies on average
    at most `sum w sqrt(v / n)` above the truth (Jensen) and never below it, and its
    variance is at most `sum w^2 v / n` (Efron and Stein), since one verdict moves it by
    w / n at most. v is taken at the accuracy (right + 1) / (n + 2).

    Args:
        bins: From `reliability` or a `ReliabilityAccumulator`.
        weights: By `count`, or `uniform` over the bins that hold rows.
        level: Confidence level.

    Raises:
        DataError: `weights` is unknown.

    Reference:
        B. Efron, C. Stein, "The jackknife estimate of variance", 1981.
    """
    share = _weights(bins, weights)
    value = math.fsum((share * np.abs(bins.accuracy - bins.confidence)).tolist())
    likely = (bins.correct + 1) / (bins.n + 2)
    variance = likely * (1 - likely) / bins.n
    bias = math.fsum((share * np.sqrt(variance)).tolist())
    spread = normal_quantile(level) * math.sqrt(math.fsum((share**2 * variance).tolist()))
    return Measure(
        value=value,
        n=bins.rows,
        low=max(0.0, value - bias - spread),
        high=min(1.0, value + spread),
        level=level,
        method="conservative: bias (Jensen) and variance (Efron-Stein) bounds",
        convention=bins.convention | {"label": "top", "norm": "l1", "weights": weights},
        better="lower",
        details={"bins": bins.records(level)},
    )


def confidence_gap(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return mean confidence minus accuracy: above 0 the model is too sure.

    Unlike the calibration error it is a plain mean, so its Student interval is unbiased.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        level: Confidence level.

    Raises:
        DataError: The arrays do not fit.

    Example:
        >>> round(confidence_gap([[0.9, 0.1], [0.8, 0.2]], [0, 1]).value, 6)
        0.35
    """
    return confidence_gap_of(*top_class(probs, labels, logits=logits), level=level)


def confidence_gap_of(confidence: ArrayLike, correct: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return what `confidence_gap` does, from what `top_class` returns of rows.

    Args:
        confidence: `[N]` in [0, 1].
        correct: `[N]` booleans.
        level: Confidence level.

    Raises:
        DataError: The arrays do not fit.

    Example:
        >>> round(confidence_gap_of([0.9, 0.8], [True, False]).value, 6)
        0.35
    """
    return mean_interval(
        floats_of(confidence, "confidence") - verdicts(correct, "correct"),
        level=level,
        within=(-1.0, 1.0),
        convention={"difference": "mean confidence - accuracy", "label": "top"},
    )


def consistency_test(
    bins: ReliabilityBins, *, weights: Weights = "count", draws: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Say what calibration error a perfectly calibrated model would show on such rows.

    In each bin the number of right answers is drawn as a binomial at the mean confidence.
    That is a little wider than the sum of the rows' own unequal coins, so the test errs
    towards not rejecting.

    Args:
        bins: From `reliability` or a `ReliabilityAccumulator`.
        weights: As for the error.
        draws: How many calibrated models are drawn.
        seed: Of the draws.

    Returns:
        `p_value`; `calibrated_mean` and `calibrated_95`, the mean and the 95 % quantile of
        the error under perfect calibration; `draws`; `seed`.

    Raises:
        DataError: `weights` is unknown or `draws` is below 1.

    Reference:
        J. Bröcker, L. A. Smith, "Increasing the reliability of reliability diagrams", 2007
        (consistency resampling); W. Hoeffding, "On the distribution of the number of
        successes in independent trials", 1956. We resample verdicts, not confidences.
    """
    whole_number(draws, "draws", low=1)
    share = _weights(bins, weights)
    sure = np.minimum(bins.confidence, 1.0)
    rng = np.random.default_rng(seed)
    accuracies = rng.binomial(bins.n, sure, size=(draws, len(bins.n))) / bins.n
    drawn = np.abs(accuracies - sure) @ share
    seen = float(np.abs(bins.accuracy - bins.confidence) @ share)
    # The tolerance counts ties that rounding parts, in the null's favour.
    reached = int((drawn >= seen - 1e-12).sum())
    return {
        "p_value": (1 + reached) / (1 + draws),
        "calibrated_mean": float(drawn.mean()),
        "calibrated_95": float(np.quantile(drawn, 0.95)),
        "draws": draws,
        "seed": seed,
    }


def _weights(bins: ReliabilityBins, weights: str) -> Floats:
    if weights == "count":
        return bins.n / bins.rows
    if weights == "uniform":
        return np.full(len(bins.n), 1 / len(bins.n))
    raise DataError(f'expected weights "count" or "uniform", got {weights!r}')
