"""Where a lens put what belongs in each pixel, and what it left of the light there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.optics import radial

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["light_left", "places"]


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

    rows, columns, radius, unit = radial.radii(height, width)
    turned = radial.polynomial(distortion.tolist(), radius)
    scales = [turned]
    if channels == 3:
        red, blue = (turned * radial.polynomial(one, radius * turned) for one in chromatic.tolist())
        scales = [red, turned, blue]
    scale = torch.stack(scales) * unit
    return rows * scale + (height - 1) / 2, columns * scale + (width - 1) / 2


def light_left(vignetting: Tensor, height: int, width: int) -> Tensor:
    """Return what is left of the light in each pixel, `[H, W]` float64.

    Args:
        vignetting: `[3]`, k_1 to k_3.
        height: H.
        width: W.
    """
    radius = radial.radii(height, width)[2]
    return radial.shade(vignetting.tolist(), radius)
