"""What an image shows of its faults: a number for each, from the image alone.

Reference: Crete, Dolmiere, Ladret, Nicolas, "The blur effect: perception and estimation with a new
no-reference perceptual blur metric", 2007; Wang, Bovik, Evans, "Blind measurement of blocking
artifacts in images", 2000 (differences across the borders of blocks against those within); He, Sun,
Tang, "Single image haze removal using dark channel prior", 2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from adversity_plugins.restoration._dark_channel import dark_channel

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["blockiness", "blur", "haziness", "luminance"]

_LUMA = (0.299, 0.587, 0.114)
_BOX = 9
_BLOCK = 8
_WINDOW = 15
_TINY = 1e-8


def luminance(images: Tensor) -> Tensor:
    """Return the mean luma `[N]` of `[N, C, H, W]`, 0 black to 1 white."""
    return _grey(images).mean((1, 2))


def haziness(images: Tensor) -> Tensor:
    """Return the mean `[N]` of the dark channel: near 0 in clear images, the airlight in dense haze."""
    return dark_channel(images, _WINDOW).mean((1, 2, 3))


def blur(images: Tensor) -> Tensor:
    """Return how little of the variation goes when the image is blurred again, `[N]`, 0 to 1.

    Differences of neighbours are compared with those after a mean of 9 pixels; of rows and columns
    the more blurred count. A flat image has 0: it shows nothing.
    """
    grey = _grey(images)
    return torch.maximum(_blur_along(grey), _blur_along(grey.transpose(1, 2)))


def blockiness(images: Tensor) -> Tensor:
    """Return by how much neighbours differ more across 8 x 8 blocks' borders than within, `[N]`.

    0: no more; 1: twice as much. Blocks begin in the upper left corner, as JPEG's. Of rows and
    columns the lesser counts, for a pattern of the scene rarely fits both. 0 where there are
    fewer than three blocks in a row.
    """
    grey = _grey(images)
    return torch.minimum(_blocks_along(grey), _blocks_along(grey.transpose(1, 2)))


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] != len(_LUMA):
        return images.mean(1)
    return (images * images.new_tensor(_LUMA).view(-1, 1, 1)).sum(1)


def _blur_along(grey: Tensor) -> Tensor:
    """Compare along the last axis."""
    edge = _BOX // 2
    rows = functional.pad(grey, (edge, edge), mode="replicate")
    smooth = functional.avg_pool1d(rows, _BOX, 1)
    sharp = grey.diff(dim=-1).abs()
    lost = (sharp - smooth.diff(dim=-1).abs()).clamp(min=0)
    before = sharp.sum((1, 2))
    return torch.where(before > _TINY, 1 - lost.sum((1, 2)) / before.clamp(min=_TINY), 0.0)


def _blocks_along(grey: Tensor) -> Tensor:
    steps = grey.diff(dim=-1).abs().mean(1)
    border = torch.arange(steps.shape[1], device=grey.device) % _BLOCK == _BLOCK - 1
    if int(border.sum()) < 2:
        return steps.new_zeros(len(steps))
    within = steps[:, ~border].mean(1)
    across = steps[:, border].mean(1)
    return torch.where(within > _TINY, across / within.clamp(min=_TINY) - 1, 0.0)
