"""Calibration error with bounds that hold, and a test of perfect calibration.

The plug-in error is biased upwards: a perfectly calibrated model shows 0.04 with 1000 rows
and 15 bins. A bootstrap of it inherits the bias and never covers 0. So the interval here
is built from bounds on bias and spread, and a consistency test says what a calibrated
model would have shown.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.calibration_norms import (
    Norm,
    Weights,
    debiased_square,
    error_bounds,
    interval_of,
    norm_of,
    shares_of,
)
from adversity.metrics.classwise import class_reliability
from adversity.metrics.predictions import whole_number
from adversity.metrics.reliability import (
    Edge,
    ReliabilityBins,
    Spacing,
    reliability,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = [
    "calibration_error",
    "classwise_error",
    "consistency_test",
    "ece",
]


def ece(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
    edge: Edge = "guo",
    spacing: Spacing = "width",
    weights: Weights = "count",
    norm: Norm = "l1",
    classwise: bool = False,
    debias: bool = False,
    level: float = 0.95,
) -> Measure:
    """Return the expected calibration error, of the top class unless `classwise`.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: How many.
        edge: `guo` for bins (low, high], `left` for [low, high) with the last one closed.
        spacing: Bins of equal `width` or of equal `mass` with ties kept together.
        weights: Bins weigh by `count`, or all the same (`uniform`).
        norm: `l1`; `l2`, the root of the mean square; `max`, the largest gap.
        classwise: The mean over the K classes of the error of each class's probability against
            how often that class is true, in place of the top class's.
        debias: The square of `l2` without its bias; see `calibration_error`.
        level: Confidence level of the interval, see `calibration_error`.

    Returns:
        The error; `details["bins"]` holds the reliability bins, `details["per_class"]` the error
        of each class.

    Raises:
        DataError: The arrays or the rule do not fit.

    Reference:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
        networks", 2017, equation 5; M. Kull et al., "Beyond temperature scaling", 2019,
        section 2 (classwise).

    Example:
        >>> round(ece([[0.9, 0.1], [0.9, 0.1]], [0, 1], bins=10).value, 6)
        0.4
    """
    if classwise:
        each = class_reliability(
            probs, labels, logits=logits, bins=bins, edge=edge, spacing=spacing
        )
        return classwise_error(each, weights=weights, norm=norm, debias=debias, level=level)
    diagram = reliability(probs, labels, logits=logits, bins=bins, edge=edge, spacing=spacing)
    return calibration_error(diagram, weights=weights, norm=norm, debias=debias, level=level)


def calibration_error(
    bins: ReliabilityBins,
    *,
    weights: Weights = "count",
    norm: Norm = "l1",
    debias: bool = False,
    level: float = 0.95,
) -> Measure:
    """Return a norm of accuracy - confidence over the bins.

    The interval is conservative, for the binned error at these confidences: the estimate lies on
    average not below the truth, and above by a bound on its bias (Jensen) at most, and its variance
    is bounded, too (Efron and Stein).

    Args:
        bins: From `reliability` or a `ReliabilityAccumulator`.
        weights: By `count`, or `uniform` over the bins that hold rows.
        norm: `l1`, the mean of the gaps; `l2`, the root of the mean of their squares; `max`, the
            largest, whatever a bin weighs.
        debias: For `l2` by `count`: take off what sampling adds on average. The value is then the
            square, which may be below 0, and has no interval; `details["bins_of_one"]` counts the
            bins whose single row does not tell it.
        level: Confidence level.

    Raises:
        DataError: `weights` or `norm` is unknown, or `debias` goes with others.

    Reference:
        B. Efron, C. Stein, "The jackknife estimate of variance", 1981; A. Kumar, P. Liang, T. Ma,
        "Verified uncertainty calibration", 2019, definition 4.1 (`debias`).
    """
    share = shares_of(bins, weights)
    told = bins.convention | {"label": "top", "norm": norm, "weights": weights}
    details: dict[str, Any] = {"bins": bins.records(level)}
    value = norm_of(bins.accuracy - bins.confidence, share, norm)
    if debias:
        _check_debias(norm, weights)
        square, ones = debiased_square(bins)
        told |= {"debiased": "Kumar 2019", "value": "square"}
        details["bins_of_one"] = ones
        return Measure(square, bins.rows, convention=told, better="lower", details=details)
    low, high = interval_of(value, *error_bounds(bins, share, norm), level)
    return Measure(
        value=value,
        n=bins.rows,
        low=low,
        high=high,
        level=level,
        method="conservative: bias (Jensen) and variance (Efron-Stein) bounds",
        convention=told,
        better="lower",
        details=details,
    )


def classwise_error(
    each: Sequence[ReliabilityBins],
    *,
    weights: Weights = "count",
    norm: Norm = "l1",
    debias: bool = False,
    level: float = 0.95,
) -> Measure:
    """Return the mean over classes of `calibration_error`, each of its own probability.

    The interval adds up the bounds of the classes, whose errors hang together.

    Args:
        each: K, from `class_reliability` or a `ClasswiseAccumulator`.
        weights: As for `calibration_error`.
        norm: Likewise.
        debias: Likewise; the mean is then one of squares.
        level: Confidence level.

    Returns:
        The mean; `details["per_class"]` holds the K errors.

    Raises:
        DataError: As `calibration_error`.

    Reference:
        M. Kull et al., "Beyond temperature scaling: obtaining well-calibrated multi-class
        probabilities with Dirichlet calibration", 2019, section 2.
    """
    kinds = {"weights": weights, "norm": norm, "debias": debias}
    found = [calibration_error(bins, **kinds, level=level) for bins in each]  # type: ignore[arg-type]
    value = statistics.fmean(measure.value for measure in found)
    whole = Measure(
        value=value,
        n=found[0].n,
        convention={
            **found[0].convention,
            "label": "classwise",
            "over": "mean over classes",
        },
        better="lower",
        details={"per_class": [measure.value for measure in found]},
    )
    if debias:
        return whole
    bounds = [error_bounds(bins, shares_of(bins, weights), norm) for bins in each]
    bias, spread = (statistics.fmean(column) for column in zip(*bounds, strict=True))
    low, high = interval_of(value, bias, spread, level)
    return replace(whole, low=low, high=high, level=level, method=found[0].method)


def _check_debias(norm: str, weights: str) -> None:
    if norm != "l2" or weights != "count":
        raise DataError(
            f'expected debias with norm "l2" and weights "count", got {norm!r} and {weights!r}: '
            "only of squares by count is the bias known"
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
    share = shares_of(bins, weights)
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
