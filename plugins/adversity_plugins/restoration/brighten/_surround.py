"""The surround of each pixel: a Gaussian as wide as the image or wider, mirrored at the border.

In the basis of the discrete cosine transform (type 2), mirroring is what happens anyway and a
Gaussian is a factor for each frequency, so its width costs nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["surround"]


def surround(planes: Tensor, sigma_px: float) -> Tensor:
    """Return `[N, C, H, W]` smoothed by a Gaussian of sigma_px pixels."""
    down, across = (_smoothing(size, sigma_px).to(planes) for size in planes.shape[2:])
    return down @ planes @ across


def _smoothing(size: int, sigma_px: float) -> Tensor:
    """Return the symmetric matrix `[size, size]` float64 that smooths a line."""
    import torch

    places = torch.arange(size, dtype=torch.float64)
    frequencies = places * (math.pi / size)
    basis = torch.cos(frequencies[:, None] * (places + 0.5)) * (2 / size) ** 0.5
    basis[0] /= 2**0.5
    gain = torch.exp(-0.5 * (sigma_px * frequencies) ** 2)
    smoothing: Tensor = basis.T @ (gain[:, None] * basis)
    return smoothing
