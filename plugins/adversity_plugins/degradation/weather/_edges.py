"""Canny's edges and chamfer distances on 8-bit images, by the integers of OpenCV.

Reference: Canny, "A computational approach to edge detection", 1986. Borgefors, "Distance
transformations in digital images", 1986 (5 x 5 weights 1, 1.4, 2.1969).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["canny", "distance"]

_SHIFT = 15
_TANGENT = 13573
"""tan 22.5 degrees, times 2^15."""
_STRAIGHT, _DIAGONAL, _KNIGHT = 65536, 91750, 143976
"""1, 1.4 and 2.1969, times 2^16."""


def canny(values: NDArray[np.uint8], low: int, high: int) -> NDArray[np.bool_]:
    """Return the edges of `[H, W]` uint8: Sobel, L1 magnitude, hysteresis between two levels."""
    import numpy as np
    from scipy.ndimage import label

    right, down = _sobel(values)
    size = np.abs(right) + np.abs(down)
    thin = (size > low) & _crest(right, down, size)
    parts, count = label(thin, np.ones((3, 3)))
    strong, edges = np.zeros(count + 1, bool), np.zeros(thin.shape, bool)
    # Few pixels are thin, and only they are looked up.
    places = np.flatnonzero(thin)
    parts = parts.ravel().take(places)
    strong[parts[size.ravel().take(places) > high]] = True
    edges.ravel()[places] = strong.take(parts)
    return edges


def _sobel(values: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the derivatives to the right and down, the border pixels going on."""
    import numpy as np

    wide = np.empty((values.shape[0] + 2, values.shape[1] + 2), np.int16)
    wide[1:-1, 1:-1] = values
    wide[0], wide[-1] = wide[1], wide[-2]
    wide[:, 0], wide[:, -1] = wide[:, 1], wide[:, -2]
    smooth_down = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    smooth_right = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return smooth_down[:, 2:] - smooth_down[:, :-2], smooth_right[2:] - smooth_right[:-2]


def _crest(right: NDArray[Any], down: NDArray[Any], size: NDArray[Any]) -> Any:
    """Say where the magnitude is largest along the gradient's direction, of four."""
    import numpy as np

    wide = np.zeros((size.shape[0] + 2, size.shape[1] + 2), size.dtype)
    wide[1:-1, 1:-1] = size

    def near(rows: int, columns: int) -> NDArray[Any]:
        height, width = size.shape
        return wide[1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    run, rise = np.abs(right).astype(np.int32), np.abs(down).astype(np.int32) << _SHIFT
    flat, steep = run * _TANGENT, run * (_TANGENT + (1 << (_SHIFT + 1)))
    falling = (right ^ down) < 0
    rising = (size > near(-1, -1)) & (size > near(1, 1)) & ~falling
    fallen = (size > near(-1, 1)) & (size > near(1, -1)) & falling
    across = (size > near(0, -1)) & (size >= near(0, 1))
    along = (size > near(-1, 0)) & (size >= near(1, 0))
    level, upright = rise < flat, rise > steep
    oblique = ~(level | upright) & (rising | fallen)
    return (level & across) | (upright & along) | oblique


def distance(edges: NDArray[np.bool_], most: int) -> Any:
    """Return `[H, W]` float32, the chamfer distance to the nearest edge, at most `most`.

    For each row the nearest edge to the left or right is known; then rows up to `most` apart
    compete, until none is left that could be nearer. That is exact, since a distance grows with
    both of its legs. Of the few distances that there are the ranks are compared, which are bytes.

    Args:
        edges: `[H, W]`, true at edges.
        most: At most 21, so that ranks are bytes.
    """
    import numpy as np

    beside = _beside(edges, most).astype(np.intp)
    ranks, distances = _legs(most)
    best = ranks[0].take(beside)
    for rows in range(1, min(most, len(edges) - 1) + 1):
        if best.max() <= ranks[rows, 0]:
            break
        near = ranks[rows].take(beside)
        np.minimum(best[rows:], near[:-rows], out=best[rows:])
        np.minimum(best[:-rows], near[rows:], out=best[:-rows])
    return distances.take(best)


def _beside(edges: NDArray[np.bool_], most: int) -> NDArray[Any]:
    """Return the distance to the nearest edge in the same row, at most `most`, in bytes.

    Looked for 1 column to each side, then from there 2, 4, ...: so all up to `most` are met.
    """
    import numpy as np

    best, step = np.where(edges, np.uint8(0), np.uint8(most)), 1
    while step <= most and step < edges.shape[1]:
        further = best + np.uint8(step)
        np.minimum(best[:, step:], further[:, :-step], out=best[:, step:])
        np.minimum(best[:, :-step], further[:, step:], out=best[:, :-step])
        step *= 2
    return best


@lru_cache(maxsize=4)
def _legs(most: int) -> tuple[Any, Any]:
    """Return the ranks of distances by their two legs, cut at `most`, and the distances.

    Returns:
        `[most + 1, most + 1]` uint8, ranks by rows and columns, and float32 by rank.
    """
    import numpy as np

    rows, columns = np.meshgrid(np.arange(most + 1), np.arange(most + 1), indexing="ij")
    short, long = np.minimum(rows, columns), np.maximum(rows, columns)
    gentle = _STRAIGHT * (long - 2 * short) + _KNIGHT * short
    steep = _DIAGONAL * (2 * short - long) + _KNIGHT * (long - short)
    whole = np.minimum(np.where(2 * short <= long, gentle, steep), most * _STRAIGHT)
    # Beyond the last column nothing is known: it is at least as far.
    whole[:, most] = most * _STRAIGHT
    values, ranks = np.unique(whole, return_inverse=True)
    distances = values.astype(np.int32).astype(np.float32) * np.float32(1 / 65536)
    return ranks.reshape(whole.shape).astype(np.uint8), distances
