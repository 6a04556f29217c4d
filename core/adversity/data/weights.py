"""What each sample counts while something is fitted: weights that are given, or balance classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BALANCED", "balanced_weights", "weights_fault"]

BALANCED = "balanced"
"""`weights: balanced`: as much of each class."""

Weights = np.ndarray[Any, np.dtype[np.float64]]


def balanced_weights(targets: np.ndarray[Any, Any]) -> Weights:
    """Return weights `[N]` of which each class that is there has the same sum; all sum to N.

    Args:
        targets: `[N]` class indices, none below 0.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 2])).round(3).tolist()
        [0.667, 0.667, 0.667, 2.0]
    """
    counts = np.bincount(targets)
    weights: Weights = len(targets) / (np.count_nonzero(counts) * counts[targets].astype(float))
    return weights


def weights_fault(weights: Weights, ids: Sequence[str]) -> str | None:
    """Say what is wrong with the weights of samples, or None: finite, 0 or more, some above 0."""
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        few = ", ".join(f"{weights[i]:g} of sample {ids[i]!r}" for i in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"expected a finite weight of 0 or more for each sample, got {few}{more}"
    return None if (weights > 0).any() else f"expected a weight above 0, got {len(weights)} of 0"
