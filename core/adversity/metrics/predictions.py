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
    "array_of",
    "class_labels",
    "class_probs",
    "class_scores",
    "floats_of",
    "log_softmax",
    "softmax",
    "top_scores",
    "verdicts",
    "whole_number",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_LARGEST = 2**53
"""From here on not every whole number is a float."""
_SHORT = 64
"""Rows of so many classes are searched column by column."""
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
    sums = values @ np.ones(values.shape[1])  # quicker than a sum along short rows
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


def top_scores(values: Floats, truth: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return each row's largest score, and whether the first class that has it is the true one.

    Args:
        values: `[N, K]`.
        truth: `[N]` in 0 .. K - 1.

    Returns:
        `[N]` float64 and `[N]` booleans.
    """
    if values.shape[1] > _SHORT:
        return values.max(axis=1), values.argmax(axis=1) == truth
    columns = np.ascontiguousarray(values.T)  # NumPy is slow along short rows
    top: Floats = columns.max(axis=0)
    right: NDArray[np.bool_] = values[np.arange(len(values)), truth] == top
    several = np.flatnonzero((columns == top).sum(axis=0) > 1)
    right[several] = values[several].argmax(axis=1) == truth[several]
    return top, right


def class_labels(labels: object, *, rows: int, classes: int | None) -> NDArray[np.int64]:
    """Return checked labels `[N]` int64, each in 0 .. K - 1.

    Args:
        labels: N class indices in any array type: whole numbers, also where they are stored as
            floats; yes and no where there are two classes.
        rows: Expected N.
        classes: K; None where it is not known.

    Raises:
        DataError: The shape, the type or a value is another.
    """
    values = array_of(labels, "labels")
    if values.shape != (rows,):
        raise DataError(
            f"expected labels [{rows}], one class index for each row, got shape "
            f"{list(values.shape)}{_row_advice(values, rows)}"
        )
    if values.dtype.kind == "b" and classes != 2:
        raise DataError(
            f"expected labels [{rows}] of integers, got yes and no for "
            f"{classes or 'an unknown number of'} classes: pass class indices, as "
            "labels.astype(int) if they are 0 and 1"
        )
    if values.dtype.kind not in "iufb":
        raise DataError(
            f"expected labels [{rows}] of integers, got {values.dtype}: pass one class index for "
            "each row, as class_names.index(name)"
        )
    if values.dtype.kind == "f":
        broken = np.flatnonzero(values != np.floor(values))  # NaN is one, infinity is out of range
        if len(broken):
            raise DataError(
                f"expected labels [{rows}] of whole numbers, got {values[broken[0]]} in row "
                f"{broken[0]}: pass class indices, not scores"
            )
    beyond = _LARGEST if classes is None else classes
    wrong = np.flatnonzero((values < 0) | (values >= beyond))
    if len(wrong):
        raise DataError(
            f"expected labels in 0 .. {beyond - 1}, "
            f"got {values[wrong[0]]} in row {wrong[0]}: check that the labels index the model's "
            "classes"
        )
    return values.astype(np.int64)


def _row_advice(values: NDArray[Any], rows: int) -> str:
    """Say what makes labels of labels in another shape."""
    if values.ndim == 2 and values.shape == (rows, 1):
        return ": pass labels[:, 0]"
    if values.ndim == 2 and len(values) == rows and values.dtype.kind in "iufb":
        return ": pass labels.argmax(1) if they are one-hot"
    return ""


def array_of(values: object, name: str) -> NDArray[Any]:
    """Return what people hold numbers in as an array: lists, NumPy, torch, pandas.

    A tensor may require a gradient, lie on another device or be bfloat16, which NumPy lacks:
    float32 holds all its values.

    Raises:
        DataError: It is no array of numbers, or its rows have different lengths.
    """
    if np.ma.is_masked(values):
        raise DataError(f"expected {name} without masked entries: leave such rows out by id")
    try:
        array = np.asarray(_plain(values))
        if array.dtype.kind == "O":  # pandas' own numbers come as Python's
            array = np.array(array.tolist())
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"expected {name} as one array of numbers, got {type(values).__name__} ({error}): "
            "every row must have the same length"
        ) from error
    if array.dtype.kind not in "iufbU":
        raise DataError(
            f"expected {name} as an array of numbers, got {type(values).__name__} of "
            f"{array.dtype}: every entry must be a number"
        )
    return array


def _plain(values: Any) -> Any:
    """Detach tensors, also inside lists; torch itself is not imported for it."""
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values] if _holds_tensors(values) else values
    if not hasattr(values, "detach"):
        return values
    tensor = values.detach().cpu()
    return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()


def _holds_tensors(values: Any) -> bool:
    return any(hasattr(v, "detach") or isinstance(v, (list, tuple)) for v in values)


def floats_of(values: object, name: str) -> Floats:
    """Return numbers in any array type as float64.

    Raises:
        DataError: They are no array of numbers; texts and complex numbers are none.
    """
    return _floats(values, name, copy=True)


def _floats(values: object, name: str, *, copy: bool) -> Floats:
    array = array_of(values, name)
    if array.dtype.kind not in "iufb":
        raise DataError(f"expected {name} as numbers, got {array.dtype}: convert them first")
    return array.astype(np.float64, copy=copy)


def whole_number(value: object, name: str, *, low: int, high: int | None = None) -> int:
    """Return a count such as `bins` or `top`.

    Raises:
        DataError: It is not whole, or out of range.
    """
    number = int(value) if isinstance(value, (int, np.integer)) else None
    fits = number is not None and number >= low and (high is None or number <= high)
    if number is None or isinstance(value, bool) or not fits:
        allowed = f"{low} or more" if high is None else f"{low} .. {high}"
        raise DataError(f"expected {name} as a whole number, {allowed}, got {value!r}")
    return number


def verdicts(values: object, name: str) -> NDArray[np.bool_]:
    """Return checked yes-or-no values `[N]`, N >= 1.

    Raises:
        DataError: The values are not boolean, not one-dimensional, or there are none.
    """
    flags = array_of(values, name)
    if flags.ndim != 1 or flags.dtype.kind != "b" or not len(flags):
        raise DataError(
            f"expected {name} [N] of booleans with N >= 1, got shape {list(flags.shape)} of "
            f"{flags.dtype}"
        )
    return flags


def _matrix(values: ArrayLike | None, name: str) -> Floats:
    matrix = _floats(values, name, copy=False)  # which nobody changes
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
    if not np.isfinite([matrix.min(), matrix.max()]).all():  # NaN is both of them
        raise DataError(f"expected finite {name}, got NaN or infinity: check the model's output")
    return matrix
