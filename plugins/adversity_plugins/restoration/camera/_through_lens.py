"""An image seen where a lens put it: radial polynomials, and cubic convolution in linear light.

The radius is 1 at the centre of the pixel in the image's corner. What `degradation/lens` does has
the same parts in its own files, since no kind of plugins knows another.

Reference: lensfun's documentation, version 0.3; IEC 61966-2-1, "Default RGB colour space - sRGB",
1999; Keys, "Cubic convolution interpolation for digital image processing", 1981.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["places", "seen", "shade", "to_image", "to_light"]


def to_light(values: Tensor) -> Tensor:
    """Decode image values of [0, 1] to linear light."""
    import torch

    curve = ((values + 0.055) / 1.055) ** 2.4
    return torch.where(values <= 0.04045, values / 12.92, curve)


def to_image(light: Tensor) -> Tensor:
    """Encode linear light as image values; what is beyond [0, 1] is not cut off."""
    import torch

    # The power's slope at 0 is infinite; the floor keeps it out of the branch not taken.
    curve = 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, curve)


def places(
    distortion: Tensor, chromatic: Tensor, height: int, width: int, channels: int
) -> tuple[Tensor, Tensor]:
    """Return where the lens put what belongs in each pixel, rows and columns, `[channels, H, W]`.

    Args:
        distortion: `[5]`, coefficients of rising powers.
        chromatic: `[2, 3]`, of red and blue.
        height: H.
        width: W.
        channels: 3, or 1 for grey, which is where green is.

    Returns:
        Float64, in pixels from the first one.
    """
    import torch

    rows, columns, radius = _radii(height, width)
    turned = _sum(distortion.double().cpu(), radius)
    scales = [turned]
    if channels == 3:
        red, blue = (turned * _sum(one, radius * turned) for one in chromatic.double().cpu())
        scales = [red, turned, blue]
    scale = torch.stack(scales)
    unit = _unit(height, width)
    return (
        rows * scale * unit + (height - 1) / 2,
        columns * scale * unit + (width - 1) / 2,
    )


def shade(vignetting: Tensor, height: int, width: int) -> Tensor:
    """Return what is left of the light in each pixel, `[H, W]` float64."""
    import torch

    _, _, radius = _radii(height, width)
    numbers = torch.cat([torch.ones(1, dtype=torch.float64), vignetting.double().cpu()])
    return _sum(numbers, radius**2)


def seen(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return what stands at places between pixels, `[N, C, H, W]`; the border goes on.

    Args:
        images: `[N, C, H, W]`.
        rows: `[C, H, W]`, in pixels from the first one, float64.
        columns: Like `rows`.
    """
    height, width = images.shape[2:]
    flat = images.flatten(2)
    total = images.new_zeros((*images.shape[:2], *rows.shape[1:]))
    across = _taps(columns, width)
    for row, down in _taps(rows, height):
        for column, weight in across:
            place = (row * width + column).flatten(1).to(images.device)
            here = flat.gather(2, place.expand(len(images), -1, -1)).view_as(total)
            total = total + here * (down * weight).to(images)
    return total


def _taps(at: Tensor, length: int) -> list[tuple[Tensor, Tensor]]:
    """Return the four pixels around each place along an axis, and Keys' weights (a = -0.5)."""
    first = at.floor()
    t = at - first
    weights = (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    return [
        ((first + step - 1).clamp(0, length - 1).long(), weight)
        for step, weight in enumerate(weights)
    ]


def _sum(numbers: Tensor, radius: Tensor) -> Tensor:
    """Return n_0 + n_1 r + n_2 r^2 + ..."""
    total = radius * 0
    for number in numbers.flip(0):
        total = total * radius + number
    return total


def _unit(height: int, width: int) -> float:
    """Return the distance of the corner's pixel from the centre, in pixels."""
    return max(math.hypot(height - 1, width - 1) / 2, 0.5)


def _radii(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows `[H, 1]`, columns `[1, W]` and radii `[H, W]`, from the centre, 1 at the corner."""
    import torch

    rows, columns = (
        (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / _unit(height, width)
        for n in (height, width)
    )
    return rows[:, None], columns[None], torch.hypot(rows[:, None], columns[None])
