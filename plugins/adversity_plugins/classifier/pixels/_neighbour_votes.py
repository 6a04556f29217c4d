"""The votes of the nearest points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from adversity.contracts.structure import Prototypes

__all__ = ["votes"]


def votes(pixels: np.ndarray[Any, Any], known: Prototypes) -> np.ndarray[Any, Any]:
    """Return how many of the nearest points are of each class, `[N, K]` float64.

    The differences are squared and summed, not the squares subtracted: equal distances come
    out equal, and the earlier point is then the nearer one.

    Args:
        pixels: `[N, D]`.
        known: The points.
    """
    squares = cdist(pixels.astype(np.float64), known.points, "sqeuclidean")
    nearest = np.argsort(squares, axis=1, kind="stable")[:, : known.neighbours]
    counts = np.zeros((len(pixels), known.classes))
    rows = np.arange(len(pixels))[:, None]
    np.add.at(counts, (np.broadcast_to(rows, nearest.shape), known.labels[nearest]), 1.0)
    return counts
