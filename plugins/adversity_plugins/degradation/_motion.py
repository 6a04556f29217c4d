"""Motion that starts at once and fades: half a Gaussian along a line of whole pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fading_line", "moved_sum"]


def fading_line(
    radius_px: int, sigma_px: float, angle_degrees: float
) -> list[tuple[int, int, float]]:
    """Return rows down, columns right and weight of each copy of the image; weights sum to 1.

    Copy i of 2 radius + 1 lies i pixels along the angle, rounded half up, and weighs what a
    Gaussian does at distance i: a motion that begins in full and fades on one side. So does
    ImageMagick's `MotionBlurImage`, which the published code calls.
    """
    import numpy as np

    width = 2 * radius_px + 1
    # In this very order: the published values are truncated, and the last bit counts.
    # Not NumPy's exp, whose last bit is another on processors with AVX-512.
    powers = -(np.arange(width) ** 2) / (2 * (sigma_px**2))
    weights = np.array([math.exp(power) for power in powers])
    weights = weights / (np.sqrt(2 * np.pi) * sigma_px)
    weights = weights / np.sum(weights)
    # Python's numbers: arithmetic with NumPy's, one by one, is slow.
    down = width * float(np.sin(np.deg2rad(angle_degrees)))
    right = width * float(np.cos(np.deg2rad(angle_degrees)))
    length = math.hypot(down, right)
    return [
        (-math.ceil(k * down / length - 0.5), -math.ceil(k * right / length - 0.5), weight)
        for k, weight in enumerate(weights.tolist())
    ]


def moved_sum(values: NDArray[Any], line: list[tuple[int, int, float]]) -> NDArray[Any]:
    """Add up copies of `[H, W, ...]` in float64, the border pixels going on.

    Where a copy would leave the image, it and the rest are left out, as in the package
    `imagecorruptions`: on small images the sum is darker.
    """
    import numpy as np

    height, width = values.shape[:2]
    reach = max(max(abs(down), abs(right)) for down, right, _ in line)
    border = ((reach, reach), (reach, reach), *((0, 0),) * (values.ndim - 2))
    wide = np.pad(values, border, mode="edge")
    total = np.zeros(values.shape, np.float64)
    for down, right, weight in line:
        if abs(down) >= height or abs(right) >= width:
            break
        top, left = reach - down, reach - right
        total += weight * wide[top : top + height, left : left + width]
    return total
