"""Every 8 x 8 patch of an image denoised by itself, and averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._mirror import mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SIDE = 8

_STRIP = 64
"""So many rows of patches at once: what large images hold in memory stays bounded."""


def averaged(planes: Tensor, summed: Callable[[Tensor], Tensor]) -> Tensor:
    """Return `[C, H, W]` from its patches, each pixel from 64; the border is mirrored.

    Args:
        planes: `[C, H, W]`.
        summed: From `[C, 1, h, w]` the weighted sum of all denoised patches in it, and that of
            their weights, `[2, C, 1, h, w]`.
    """
    height, width = planes.shape[1:]
    wide = mirrored(planes, SIDE - 1, SIDE - 1).unsqueeze(1)
    sums = planes.new_zeros(2, *wide.shape)
    for top in range(0, height + SIDE - 1, _STRIP):
        strip = wide[:, :, top : top + _STRIP + SIDE - 1]
        bottom = top + strip.shape[2]
        sums[:, :, :, top:bottom] = sums[:, :, :, top:bottom] + summed(strip)
    inner = slice(SIDE - 1, SIDE - 1 + height), slice(SIDE - 1, SIDE - 1 + width)
    return (sums[0] / sums[1])[:, 0, inner[0], inner[1]]
