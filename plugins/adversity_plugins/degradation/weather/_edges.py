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
    strong = np.zeros(count + 1, bool)
    strong[parts[thin & (size > high)]] = True
    strong[0] = False
    return strong[parts]  # type: ignore[no-any-return]


def _sobel(values: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the derivatives to the right and down, the border pixels going on."""
    import numpy as np

    wide = np.pad(values.astype(np.int32), 1, mode="edge")
    smooth_down = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    smooth_right = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return smooth_down[:, 2:] - smooth_down[:, :-2], smooth_right[2:] - smooth_right[:-2]


def _crest(right: NDArray[Any], down: NDArray[Any], size: NDArray[Any]) -> Any:
    """Say where the magnitude is largest along the gradient's direction, of four."""
    import numpy as np

    wide = np.pad(size, 1)

    def near(rows: int, columns: int) -> NDArray[Any]:
        height, width = size.shape
        return wide[1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    flat = np.abs(right) * _TANGENT
    steep = flat + (np.abs(right) << (_SHIFT + 1))
    rise = np.abs(down) << _SHIFT
    falling = (right ^ down) < 0
    first = np.where(falling, near(-1, 1), near(-1, -1))
    second = np.where(falling, near(1, -1), near(1, 1))
    across = (size > near(0, -1)) & (size >= near(0, 1))
    along = (size > near(-1, 0)) & (size >= near(1, 0))
    diagonal = (size > first) & (size > second)
    return np.where(rise < flat, across, np.where(rise > steep, along, diagonal))


def distance(edges: NDArray[np.bool_], most: int) -> Any:
    """Return `[H, W]` float32, the chamfer distance to the nearest edge, at most `most`.

    For each row the nearest edge to the left or right is known; then rows up to `most` apart
    compete. That is exact, since a distance grows with both of its legs.
    """
    import numpy as np

    height = len(edges)
    beside = _beside(edges, most)
    table = _legs(most)
    best = table[0][beside]
    for rows in range(1, min(most, height - 1) + 1):
        reached = table[rows][beside]
        np.minimum(best[rows:], reached[:-rows], out=best[rows:])
        np.minimum(best[:-rows], reached[rows:], out=best[:-rows])
    return best.astype(np.float32) * np.float32(1 / 65536)


def _beside(edges: NDArray[np.bool_], most: int) -> NDArray[Any]:
    """Return the distance to the nearest edge in the same row, at most `most`."""
    import numpy as np

    columns = np.arange(edges.shape[1])
    far = 2 * (most + edges.shape[1])
    left = np.maximum.accumulate(np.where(edges, columns, -far), axis=1)
    right = np.minimum.accumulate(np.where(edges, columns, far)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(np.minimum(columns - left, right - columns), most)


@lru_cache(maxsize=4)
def _legs(most: int) -> Any:
    """Return `[most + 1, most + 1]`: the distance, times 2^16, by its two legs, cut at `most`."""
    import numpy as np

    rows, columns = np.meshgrid(np.arange(most + 1), np.arange(most + 1), indexing="ij")
    short, long = np.minimum(rows, columns), np.maximum(rows, columns)
    gentle = _STRAIGHT * (long - 2 * short) + _KNIGHT * short
    steep = _DIAGONAL * (2 * short - long) + _KNIGHT * (long - short)
    whole = np.where(2 * short <= long, gentle, steep)
    # Beyond the last column nothing is known: it is at least as far.
    whole[:, most] = most * _STRAIGHT
    return np.minimum(whole, most * _STRAIGHT).astype(np.int32)
