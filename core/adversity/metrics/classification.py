"""Accuracy: how often the right class is among the first `top`.

Ties: classes are ranked by score, and among equal scores the lower index comes first, as
argmax does. A model that says the same of every class is right only about class 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.metrics.intervals import share
from adversity.metrics.predictions import class_labels, class_scores, verdicts, whole_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.contracts.values import Measure
    from adversity.metrics.predictions import Floats

__all__ = ["accuracy", "accuracy_of", "accuracy_of_ranks", "ranks"]


def accuracy(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    top: int = 1,
    level: float = 0.95,
) -> Measure:
    """Return the share of rows whose label is among the `top` highest scores.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        top: 1 .. K.
        level: Confidence level of the Wilson interval.

    Returns:
        The accuracy; `details["tied"]` counts rows where a tie decided.

    Raises:
        DataError: The arrays do not fit, or `top` is out of range.

    Example:
        >>> accuracy([[0.6, 0.4], [0.3, 0.7]], [0, 0]).value
        0.5
    """
    return accuracy_of_ranks(*ranks(probs, labels, logits=logits, top=top), top=top, level=level)


def ranks(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    top: int = 1,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows have their label among the `top` highest scores, and where a tie decided.

    Args:
        probs: `[N, K]`, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        top: 1 .. K.

    Returns:
        `[N]` booleans each.

    Raises:
        DataError: The arrays do not fit, or `top` is out of range.
    """
    # Logits are ranked as they are: softmax in floating point can make new ties.
    scores = class_scores(probs, logits)
    rows, classes = scores.shape
    whole_number(top, "top", low=1, high=classes)
    return _ranked(scores, class_labels(labels, rows=rows, classes=classes), top)


def accuracy_of_ranks(
    right: ArrayLike, tied: ArrayLike, *, top: int = 1, level: float = 0.95
) -> Measure:
    """Return what `accuracy` does, from what `ranks` returns of rows.

    Args:
        right: `[N]` booleans.
        tied: `[N]` booleans.
        top: What `ranks` was given.
        level: Confidence level of the Wilson interval.

    Raises:
        DataError: The values are not booleans, or there are none.

    Example:
        >>> accuracy_of_ranks(*ranks([[0.6, 0.4], [0.3, 0.7]], [0, 0])).value
        0.5
    """
    flags, ties = verdicts(right, "right"), verdicts(tied, "tied")
    return share(
        int(flags.sum()),
        len(flags),
        level=level,
        better="higher",
        convention={"top": top, "ties": "the lower class index comes first"},
        details={"tied": int(ties.sum())},
    )


def accuracy_of(correct: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return the share of true values with its Wilson interval.

    Args:
        correct: `[N]` booleans.
        level: Confidence level.

    Raises:
        DataError: The values are not booleans, or there are none.

    Example:
        >>> accuracy_of([True, True, False, True]).value
        0.75
    """
    flags = verdicts(correct, "correct")
    return share(int(flags.sum()), len(flags), level=level, better="higher", convention={"top": 1})


def _ranked(
    scores: Floats, labels: NDArray[np.int64], top: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are right, and which a tie decided."""
    truth = scores[np.arange(len(labels)), labels][:, None]
    above = (scores > truth).sum(axis=1)
    equal = scores == truth
    before = (equal & (np.arange(scores.shape[1]) < labels[:, None])).sum(axis=1)
    last = above + equal.sum(axis=1) - 1
    return above + before < top, (above < top) & (last >= top)
