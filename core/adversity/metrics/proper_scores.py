"""Proper scoring rules: negative log-likelihood and Brier score."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.intervals import mean_interval
from adversity.metrics.predictions import (
    class_labels,
    class_probs,
    class_scores,
    floats_of,
    log_softmax,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["brier", "brier_of", "log_likelihoods", "nll", "nll_of", "squared_errors"]


def nll(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    clip: float | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the mean negative log-likelihood of the true class, in nats.

    A model that gives a true class the probability 0 has an infinite score, and that is
    what is returned, without an interval; `details["zero_probability_truths"]` counts such
    rows. An infinite value is no JSON number: leave the measure out and report the count.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`, which are never infinite.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        clip: Raise probabilities of the true class to at least this, which is another
            score and stands in the convention.
        level: Confidence level of Student's interval.

    Raises:
        DataError: The arrays do not fit, or `clip` is not inside (0, 1).

    Example:
        >>> round(nll([[0.5, 0.5], [0.25, 0.75]], [0, 1]).value, 6)
        0.490415
    """
    return nll_of(log_likelihoods(probs, labels, logits=logits), clip=clip, level=level)


def nll_of(
    log_likelihoods: ArrayLike, *, clip: float | None = None, level: float = 0.95
) -> Measure:
    """Return what `nll` does, from the log-likelihoods of rows that do not fit into memory.

    Args:
        log_likelihoods: `[N]`, from `log_likelihoods`.
        clip: As for `nll`.
        level: Confidence level of Student's interval.

    Raises:
        DataError: `clip` is not inside (0, 1).

    Example:
        >>> parts = [[[0.5, 0.5]], [[0.25, 0.75]]], [[0], [1]]
        >>> rows = [log_likelihoods(probs, labels) for probs, labels in zip(*parts)]
        >>> round(nll_of(np.concatenate(rows)).value, 6)
        0.490415
    """
    log_p = floats_of(log_likelihoods, "log_likelihoods")
    if clip is not None and not 0 < clip < 1:
        raise DataError(f"expected clip between 0 and 1, got {clip}: write for example 1e-12")
    zeros = int(np.isneginf(log_p).sum())
    if clip is not None:
        log_p = np.maximum(log_p, np.log(clip))
    convention = {"log": "natural", "clip": clip}
    details = {"zero_probability_truths": zeros}
    if np.isneginf(log_p).any():
        return Measure(
            value=float("inf"),
            n=len(log_p),
            convention=convention,
            better="lower",
            unit="nats",
            details=details,
        )
    # Subtracting from 0 gives a perfect model 0.0 and not -0.0.
    mean = mean_interval(
        0.0 - log_p,
        level=level,
        within=(0.0, float("inf")),
        better="lower",
        unit="nats",
        convention=convention,
    )
    return replace(mean, details=details)


def brier(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the Brier score: squared differences summed over the classes, 0 to 2.

    For two classes it is twice the score that takes the positive class alone.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        level: Confidence level of Student's interval.

    Raises:
        DataError: The arrays do not fit.

    Reference:
        G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950,
        equation 2.

    Example:
        >>> round(brier([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], [0, 2]).value, 6)
        0.52
    """
    return brier_of(squared_errors(probs, labels, logits=logits), level=level)


def squared_errors(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
) -> Floats:
    """Return the squared error of each row, summed over the classes, `[N]` float64.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.

    Raises:
        DataError: The arrays do not fit.
    """
    values = class_probs(probs, logits)
    rows, classes = values.shape
    truth = class_labels(labels, rows=rows, classes=classes)
    errors = values.copy()
    errors[np.arange(rows), truth] -= 1.0
    sums: Floats = np.einsum("nk,nk->n", errors, errors)
    return sums


def brier_of(squared_errors: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return what `brier` does, from the `squared_errors` `[N]` of rows.

    Args:
        squared_errors: `[N]`, from the function of that name.
        level: Confidence level of Student's interval.

    Example:
        >>> round(brier_of(squared_errors([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], [0, 2])).value, 6)
        0.52
    """
    return mean_interval(
        floats_of(squared_errors, "squared_errors"),
        level=level,
        within=(0.0, 2.0),
        better="lower",
        convention={"sum": "over classes", "range": [0, 2]},
    )


def log_likelihoods(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
) -> Floats:
    """Return the natural logarithm of the true class's probability, `[N]` float64.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`. A probability of 0 gives -inf.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.

    Raises:
        DataError: The arrays do not fit.
    """
    values = class_scores(probs, logits)
    rows, classes = values.shape
    truth = class_labels(labels, rows=rows, classes=classes)
    picked: Floats = (values if logits is None else log_softmax(values))[np.arange(rows), truth]
    if logits is not None:
        return picked
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer here, not an accident
        # A float32 row may hold 1 + 1e-7: that is probability 1, not a negative score.
        logs: Floats = np.log(np.minimum(picked, 1.0))
    return logs
