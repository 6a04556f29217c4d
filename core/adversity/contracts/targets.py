"""What stands in the column `target` of a table where no class of the classifier can stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NO_LABEL", "UNKNOWN_CLASS", "has_class"]

UNKNOWN_CLASS = -1
"""The label is none of the classifier's classes: known to be unknown (`unknown: keep`)."""
NO_LABEL = -2
"""The sample has no label, while others of its data set have one."""


def has_class(targets: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which targets are classes of the classifier, `[N]` bool: these alone can be judged."""
    known: np.ndarray[Any, np.dtype[np.bool_]] = targets >= 0
    return known
