"""How much surer than right a model is: the signed error of calibration, a plain mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.metrics.intervals import mean_interval
from adversity.metrics.predictions import floats_of, verdicts
from adversity.metrics.reliability import top_class

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.contracts.values import Measure

__all__ = ["confidence_gap", "confidence_gap_of"]


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
