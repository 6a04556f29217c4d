"""Blending images by weights at every scale, so that no seam shows.

Reference: Burt and Adelson, "A multiresolution spline with application to image mosaics", 1983.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["blended", "smoothed"]

_TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_SMALLEST = 8
"""Sides below this are not halved again."""


def smoothed(planes: Tensor) -> Tensor:
    """Return `[N, C, H, W]` behind the binomial filter of 5 x 5, the border pixels going on."""
    from torch.nn import functional

    channels = planes.shape[1]
    line = planes.new_tensor(_TAPS)
    for shape, border in (((-1, 1), (0, 0, 2, 2)), ((1, -1), (2, 2, 0, 0))):
        kernel = line.view(1, 1, *shape).expand(channels, 1, *line.view(shape).shape)
        wide = functional.pad(planes, border, mode="replicate")
        planes = functional.conv2d(wide, kernel, groups=channels)
    return planes


def blended(images: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Return the images' details, each scale mixed by the weights as smooth as it is.

    Args:
        images: Of `[N, C, H, W]`.
        weights: One `[N, 1, H, W]` for each, which sum to 1 at each pixel.

    Returns:
        `[N, C, H, W]`, not limited to [0, 1].
    """
    total = None
    for image, weight in zip(images, weights, strict=True):
        levels = [
            detail * share for detail, share in zip(_details(image), _scales(weight), strict=True)
        ]
        total = levels if total is None else [a + b for a, b in zip(total, levels, strict=True)]
    if total is None:
        raise ValueError("expected at least one image to blend, got none")
    *finer, mixed = total
    for level in reversed(finer):
        mixed = _enlarged(mixed, level) + level
    return mixed


def _scales(planes: Tensor) -> list[Tensor]:
    """Return the planes, smoothed and halved again and again."""
    scales = [planes]
    while min(scales[-1].shape[2:]) >= 2 * _SMALLEST:
        scales.append(smoothed(scales[-1])[:, :, ::2, ::2])
    return scales


def _details(planes: Tensor) -> list[Tensor]:
    """Return what each scale has beyond the next coarser one, and the coarsest."""
    scales = _scales(planes)
    finer = [scale - _enlarged(coarser, scale) for scale, coarser in itertools.pairwise(scales)]
    return [*finer, scales[-1]]


def _enlarged(planes: Tensor, like: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.interpolate(planes, like.shape[2:], mode="bilinear", align_corners=False)
