"""Affine maps by three points, and OpenCV's bilinear warp in fixed-point coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["backwards", "corners", "warped"]

_FINE = 1024
"""OpenCV's `warpAffine` (3.4 to 4.11) counts coordinates in 1/1024 of a pixel ..."""
_COARSE = 32
"""... and rounds their sums to 1/32, of which its weights are made."""


def corners(height: int, width: int) -> NDArray[Any]:
    """Return the three points that are moved, `[3, 2]` float32.

    As the published code has it, the middle is (height / 2, width / 2) although points are x
    and y; images there are square.
    """
    import numpy as np

    middle = np.array([height // 2, width // 2], np.float32)
    arm = np.float32(max(1, min(height, width) // 3))
    return np.stack([middle + arm, middle + np.array([arm, -arm], np.float32), middle - arm])


def backwards(points: NDArray[Any], moved: NDArray[Any]) -> NDArray[Any]:
    """Return `[2, 3]` float64: where a pixel (x, y, 1) of the warped image comes from.

    Args:
        points: `[3, 2]`, x and y before.
        moved: `[3, 2]`, x and y after.
    """
    import numpy as np

    square = np.column_stack([points.astype(np.float64), np.ones(3)])
    (a, b, c), (d, e, f) = np.linalg.solve(square, moved.astype(np.float64)).T
    determinant = a * e - b * d
    scale = 1 / determinant if determinant else 0.0
    a, b, d, e = e * scale, -b * scale, -d * scale, a * scale
    return np.array([[a, b, -a * c - b * f], [d, e, -d * c - e * f]])


def warped(values: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Warp `[H, W, C]` float32 bilinearly, mirrored at the border without repeating it.

    Args:
        values: The image.
        matrix: Of `backwards`.
    """
    import numpy as np

    height, width = values.shape[:2]
    x, y = np.arange(width), np.arange(height)
    columns, rows = (
        (
            np.rint(line[0] * x * _FINE).astype(np.int64)[None, :]
            + np.rint((line[1] * y + line[2]) * _FINE).astype(np.int64)[:, None]
            + _FINE // _COARSE // 2
        )
        // (_FINE // _COARSE)
        for line in matrix
    )
    left, top = columns // _COARSE, rows // _COARSE
    beside = ((columns % _COARSE) / np.float32(_COARSE)).astype(np.float32)[..., None]
    below = ((rows % _COARSE) / np.float32(_COARSE)).astype(np.float32)[..., None]
    x0, x1 = _mirrored(left, width), _mirrored(left + 1, width)
    y0, y1 = _mirrored(top, height), _mirrored(top + 1, height)
    one = np.float32(1)
    total = values[y0, x0] * ((one - below) * (one - beside))
    total = total + values[y0, x1] * ((one - below) * beside)
    total = total + values[y1, x0] * (below * (one - beside))
    return total + values[y1, x1] * (below * beside)  # type: ignore[no-any-return]


def _mirrored(index: NDArray[Any], side: int) -> Any:
    """Return positions in 0 to side - 1, mirrored at the first and last one."""
    import numpy as np

    if side == 1:
        return np.zeros_like(index)
    index = np.abs(index) % (2 * side - 2)
    return np.minimum(index, 2 * side - 2 - index)
