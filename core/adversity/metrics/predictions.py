"""The border of the metrics: arrays are checked here once, and nothing is guessed.

Functions take probabilities, or logits under that name; the range of the numbers never
decides which of the two they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Floats",
    "class_labels",
    "class_probs",
    "class_scores",
    "log_softmax",
    "softmax",
    "verdicts",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_SUM_TOLERANCE = 1e-3
"""Rows of float16 probabilities still sum to one within this; logits practically never do."""


def log_softmax(logits: ArrayLike) -> Floats:
    """Return natural-log probabilities, finite for all finite logits.

    Args:
        logits: `[N, K]`, K >= 2, any finite numbers.

    Returns:
        `[N, K]` float64, at most 0.

    Raises:
        DataError: The shape is another, or a value is NaN or infinite.
    """
    values = _matrix(logits, "logits")
    shifted = values - values.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def softmax(logits: ArrayLike) -> Floats:
    """Return probabilities `[N, K]` float64 from logits `[N, K]`.

    Example:
        >>> softmax([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
    """
    result: Floats = np.exp(log_softmax(logits))
    return result


def class_scores(probs: ArrayLike | None, logits: ArrayLike | None) -> Floats:
    """Return, as they are, the probabilities or the logits, whichever was given.

    Args:
        probs: `[N, K]`, K >= 2, in [0, 1], rows sum to 1.
        logits: `[N, K]`, K >= 2, finite.

    Returns:
        `[N, K]` float64.

    Raises:
        DataError: Both or none were given, or the numbers are not what the name says.
    """
    if (probs is None) == (logits is None):
        given = "both" if probs is not None else "neither"
        raise DataError(f"expected either probs or logits, got {given}: name exactly one of them")
    if logits is not None:
        return _matrix(logits, "logits")
    values = _matrix(probs, "probs")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1 + _SUM_TOLERANCE:
        raise DataError(
            f"expected probs in [0, 1], got {low:.6g} .. {high:.6g}: if these are logits, "
            "pass them as logits="
        )
    sums = values.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > _SUM_TOLERANCE:
        raise DataError(
            f"expected rows of probs that sum to 1, got {sums[worst]:.6g} in row {worst}: "
            "divide each row by its sum, or pass logits as logits="
        )
    return values


def class_probs(probs: ArrayLike | None, logits: ArrayLike | None) -> Floats:
    """Return `class_scores` as probabilities `[N, K]` float64."""
    values = class_scores(probs, logits)
    return values if logits is None else softmax(values)


def class_labels(labels: ArrayLike | None, *, rows: int, classes: int) -> NDArray[np.int64]:
    """Return checked labels `[N]` int64, each in 0 .. K - 1.

    Raises:
        DataError: The shape, the type or a value is another.
    """
    values = np.asarray(labels)
    if values.shape != (rows,) or values.dtype.kind not in "iu":
        raise DataError(
            f"expected labels [{rows}] of integers, got shape {list(values.shape)} of "
            f"{values.dtype}: pass one class index for each row"
        )
    wrong = np.flatnonzero((values < 0) | (values >= classes))
    if len(wrong):
        raise DataError(
            f"expected labels in 0 .. {classes - 1}, got {values[wrong[0]]} in row {wrong[0]}: "
            "check that the labels index the model's classes"
        )
    return values.astype(np.int64)


def verdicts(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return checked yes-or-no values `[N]`, N >= 1.

    Raises:
        DataError: The values are not boolean, not one-dimensional, or there are none.
    """
    flags = np.asarray(values)
    if flags.ndim != 1 or flags.dtype.kind != "b" or not len(flags):
        raise DataError(
            f"expected {name} [N] of booleans with N >= 1, got shape {list(flags.shape)} of "
            f"{flags.dtype}"
        )
    return flags


def _matrix(values: ArrayLike | None, name: str) -> Floats:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 1 or matrix.shape[1] < 2:
        advice = (
            ": a one-dimensional array does not say which class it speaks of; for two classes "
            "give both columns"
            if matrix.ndim == 1
            else ""
        )
        raise DataError(
            f"expected {name} [N, K] with N >= 1 and K >= 2, got {list(matrix.shape)}{advice}"
        )
    if not np.isfinite(matrix).all():
        raise DataError(f"expected finite {name}, got NaN or infinity: check the model's output")
    return matrix
