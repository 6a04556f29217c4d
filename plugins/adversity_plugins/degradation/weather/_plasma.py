"""Plasma: a cloudy height map by midpoint displacement on squares and diamonds.

Reference: Fournier, Fussell, Carpenter, "Computer rendering of stochastic models", 1982.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["plasma", "plasma_values"]

_FIRST = 100.0


def _wobbles(side: int, decay: float) -> Iterator[tuple[int, float]]:
    """Yield the distance of known points and the half-width of the noise, from coarse to fine."""
    wobble = _FIRST
    while side >= 2:
        yield side, wobble * wobble
        side //= 2
        wobble /= decay


def plasma(side: int, decay: float, draw: Callable[[int], Tensor]) -> Tensor:
    """Return `[N, side, side]` in [0, 1], whose opposite borders fit together.

    Args:
        side: A power of two.
        decay: What the noise's scale is divided by from each level to the next finer one.
        draw: Of a count, `[N, count]` numbers uniform in [0, 1).

    Returns:
        The map, with a 0 and a 1 in each row.
    """
    noise = draw(side * side - 1).mul_(2).sub_(1)
    height = noise.new_zeros(len(noise), side, side)
    used = 0

    def midpoint(total: Tensor, wobble: float) -> Tensor:
        nonlocal used
        count = total.shape[1] * total.shape[2]
        part = noise[:, used : used + count].view(total.shape)
        used += count
        return total.mul_(0.25).add_(part, alpha=wobble)

    for step, wobble in _wobbles(side, decay):
        half = step // 2
        corner = height[:, ::step, ::step]
        pair = corner + corner.roll(-1, 1)
        height[:, half::step, half::step] = midpoint(pair + pair.roll(-1, 2), wobble)
        middle = height[:, half::step, half::step]
        beside = corner + corner.roll(-1, 2)
        height[:, ::step, half::step] = midpoint(middle + middle.roll(1, 1) + beside, wobble)
        below = corner + corner.roll(-1, 1)
        height[:, half::step, ::step] = midpoint(middle + middle.roll(1, 2) + below, wobble)
    height -= height.amin((1, 2), keepdim=True)
    return height.div_(height.amax((1, 2), keepdim=True))


def plasma_values(
    side: int, decay: float, draw: Callable[[float, tuple[int, ...]], NDArray[Any]]
) -> Any:
    """Return `[side, side]` float64 in [0, 1] as the published code computes it.

    Args:
        side: A power of two.
        decay: As above.
        draw: Of a half-width and a shape, numbers uniform between minus and plus it.
    """
    import numpy as np

    height = np.zeros((side, side))
    wobble = _FIRST
    step = side
    while step >= 2:
        half = step // 2
        corner = height[::step, ::step]

        def midpoint(total: NDArray[Any], wobble: float = wobble) -> Any:
            return total / 4 + wobble * draw(wobble, total.shape)

        pair = corner + np.roll(corner, -1, axis=0)
        height[half::step, half::step] = midpoint(pair + np.roll(pair, -1, axis=1))
        middle = height[half::step, half::step]
        above = middle + np.roll(middle, 1, axis=0)
        height[::step, half::step] = midpoint(above + (corner + np.roll(corner, -1, axis=1)))
        beside = middle + np.roll(middle, 1, axis=1)
        height[half::step, ::step] = midpoint(beside + (corner + np.roll(corner, -1, axis=0)))
        step //= 2
        wobble /= decay
    height -= height.min()
    return height / height.max()
