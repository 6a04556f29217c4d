"""Radial maps of an image, their inverse, and what stands at places between pixels.

The radius is 1 at the centre of the pixel in the image's corner.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "inverse",
    "mapped",
    "polynomial",
    "radii",
    "require_inverse",
    "require_light",
    "seen",
    "shade",
]

_NEAR, _ROUNDS = 1e-12, 50
_FINE, _FAR = 4000, 4.0
"""Steps, and how far, within which a map is looked at: no lens shows four times its image."""
_BEYOND = 1.05
"""So far a map must rise: colours of the corner come from a little beyond it."""


def mapped(numbers: Sequence[float], radius: Tensor) -> Tensor:
    """Return r (n_0 + n_1 r + n_2 r^2 + ...)."""
    return radius * polynomial(numbers, radius)


def polynomial(numbers: Sequence[float], radius: Tensor) -> Tensor:
    """Return n_0 + n_1 r + n_2 r^2 + ..."""
    total = radius * 0
    for number in reversed(numbers):
        total = total * radius + number
    return total


def _slope(numbers: Sequence[float], radius: Tensor) -> Tensor:
    return polynomial([(power + 1) * number for power, number in enumerate(numbers)], radius)


def require_inverse(numbers: Sequence[float], what: str) -> None:
    """Refuse a map that folds the image: radii up to 1 need one that is mapped there.

    Raises:
        DataError: If it does not rise until it is beyond the corner.
    """
    import torch

    radius = torch.linspace(0, _FAR, _FINE, dtype=torch.float64)
    falls = (_slope(numbers, radius) <= 0).nonzero()
    last = radius[falls[0, 0]] if len(falls) else radius[-1]
    if float(mapped(numbers, last)) <= _BEYOND:
        raise DataError(
            f"{what}: expected a map that rises to the image's corner and can be undone, got one "
            f"that turns at {float(last):.2f} of the way; take another focal length or lens"
        )


def shade(numbers: Sequence[float], radius: Tensor) -> Tensor:
    """Return 1 + k_1 r^2 + k_2 r^4 + k_3 r^6, what is left of the light."""
    return polynomial((1.0, *numbers), radius**2)


def require_light(numbers: Sequence[float], what: str) -> None:
    """Refuse vignetting that leaves no light somewhere.

    Raises:
        DataError: If it leaves none within the image.
    """
    import torch

    least = float(shade(numbers, torch.linspace(0, 1, _FINE, dtype=torch.float64)).min())
    if least <= 0:
        raise DataError(
            f"{what}: expected vignetting that leaves light everywhere, got a factor of "
            f"{least:.3f}; take another focal length, aperture or lens"
        )


def inverse(numbers: Sequence[float], radius: Tensor) -> Tensor:
    """Return the radii that are mapped to these, by Newton's iterations to 1e-12.

    Args:
        numbers: Of a map with an inverse.
        radius: Any shape, float64, from 0 to a little beyond 1.

    Raises:
        DataError: If the iterations do not come there.
    """
    import torch

    found = radius.clone()
    for _ in range(_ROUNDS):
        off = mapped(numbers, found) - radius
        if float(off.abs().max()) < _NEAR:
            return found
        slope = _slope(numbers, found)
        # Beyond the turn of a map the slope points the wrong way: go back towards the centre.
        found = torch.where(slope > 0.05, found - off / slope.clamp(min=0.05), found * 0.9)
    raise DataError(f"expected a radial map that can be undone, got coefficients {list(numbers)}")


def radii(height: int, width: int) -> tuple[Tensor, Tensor, Tensor, float]:
    """Return rows `[H, 1]` and columns `[1, W]` from the centre, radii `[H, W]`, and the unit in pixels.

    All float64, 1 at the corner.
    """
    import torch

    unit = max(math.hypot(height - 1, width - 1) / 2, 0.5)
    rows, columns = (
        (torch.arange(length, dtype=torch.float64) - (length - 1) / 2) / unit
        for length in (height, width)
    )
    return rows[:, None], columns[None], torch.hypot(rows[:, None], columns[None]), unit


def seen(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return what stands at places between pixels, by cubic convolution; the border goes on.

    Args:
        images: `[N, C, H, W]`.
        rows: `[C, H', W']`, in pixels from the first one, float64.
        columns: Like `rows`.

    Returns:
        `[N, C, H', W']`, not limited to [0, 1].

    Reference: Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    height, width = images.shape[2:]
    flat = images.flatten(2)
    total = images.new_zeros((*images.shape[:2], *rows.shape[1:]))
    across = list(_taps(columns, width))
    for row, down_weight in _taps(rows, height):
        for column, weight in across:
            place = (row * width + column).flatten(1).to(images.device)
            here = flat.gather(2, place.expand(len(images), -1, -1)).view_as(total)
            total = total + here * (down_weight * weight).to(images)
    return total


def _taps(places: Tensor, length: int) -> list[tuple[Tensor, Tensor]]:
    """Return the four pixels around each place along an axis, with their weights (a = -0.5)."""
    first = places.floor()
    away = places - first
    square, cube = away**2, away**3
    weights = (
        -0.5 * cube + square - 0.5 * away,
        1.5 * cube - 2.5 * square + 1,
        -1.5 * cube + 2 * square + 0.5 * away,
        0.5 * cube - 0.5 * square,
    )
    return [
        ((first + step - 1).clamp(0, length - 1).long(), weight)
        for step, weight in enumerate(weights)
    ]
