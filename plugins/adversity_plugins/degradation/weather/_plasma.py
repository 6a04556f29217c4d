"""Plasma: a cloudy height map by midpoint displacement on squares and diamonds.

Reference: Fournier, Fussell, Carpenter, "Computer rendering of stochastic models", 1982.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["plasma"]

_FIRST = 100.0


def plasma(
    height: NDArray[Any], decay: float, draw: Callable[[float, tuple[int, ...]], Any]
) -> NDArray[Any]:
    """Fill in maps in [0, 1], whose opposite borders fit together.

    Each point is the mean of four known ones and noise, and the noise's half-width, 100 times
    100 at first, is divided by the square of `decay` from one level to the next finer one.

    Args:
        height: `[..., S, S]`, S a power of two; zeros, which are filled in.
        decay: What the noise's scale is divided by.
        draw: Of a half-width and a shape, numbers uniform between minus and plus it.

    Returns:
        The same maps, with a 0 and a 1 in each.
    """
    import numpy as np

    step, wobble = height.shape[-1], _FIRST
    while step >= 2:
        half = step // 2
        corner = height[..., ::step, ::step]
        pair = corner + np.roll(corner, -1, axis=-2)
        middle = (pair + np.roll(pair, -1, axis=-1)) / 4
        middle += wobble * draw(wobble, middle.shape)
        height[..., half::step, half::step] = middle
        above = middle + np.roll(middle, 1, axis=-2)
        above = (above + (corner + np.roll(corner, -1, axis=-1))) / 4
        above += wobble * draw(wobble, above.shape)
        height[..., ::step, half::step] = above
        beside = middle + np.roll(middle, 1, axis=-1)
        beside = (beside + (corner + np.roll(corner, -1, axis=-2))) / 4
        beside += wobble * draw(wobble, beside.shape)
        height[..., half::step, ::step] = beside
        step, wobble = half, wobble / decay
    height -= height.min((-2, -1), keepdims=True)
    height /= height.max((-2, -1), keepdims=True)
    return height
