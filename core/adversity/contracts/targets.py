"""What stands in the column `target` of a table where there is nothing to be judged by."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["NO_LABEL", "UNKNOWN_CLASS", "has_class"]

UNKNOWN_CLASS = -1
"""The label is none of the classifier's classes: known to be unknown (`unknown: keep`)."""
NO_LABEL = -2
"""The sample has no label, while others of its data set have one."""


def has_class(targets: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which targets can be judged, `[N]` bool: a class of the classifier, or a number.

    Args:
        targets: `[N]` int64 classes; or numbers, `[N]` or `[N, D]` float64, NaN where there is none.

    Example:
        >>> has_class(np.array([3, -2])), has_class(np.array([-3.5, np.nan]))
        (array([ True, False]), array([ True, False]))
    """
    if targets.dtype.kind != "f":
        known: np.ndarray[Any, np.dtype[np.bool_]] = targets >= 0
        return known
    there: np.ndarray[Any, np.dtype[np.bool_]]
    there = np.isfinite(targets).reshape(len(targets), -1).all(axis=1)
    return there
