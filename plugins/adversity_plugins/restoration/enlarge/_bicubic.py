"""Keys' cubic convolution on any scale, and super-resolution of the luma alone.

Papers on super-resolution enlarge Y of YCbCr by their method, and Cb and Cr bicubically. With
BT.601's matrix a change of Y alone changes R, G and B alike, by 255/219 of it: so nothing has to
be converted back, and what the method leaves as it is stays bicubic to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["enlarged", "luma", "reluminated", "resized"]

_WEIGHTS = (65.481, 128.553, 24.966)
_BLACK, _SPAN = 16 / 255, 255 / 219


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Return `[N, C, height, width]`, nothing cut off; shrinking smooths first.

    `antialias` makes a = -0.5, and what happens at the border Pillow's: nothing is smoothed when
    enlarging.
    """
    import torch

    return torch.nn.functional.interpolate(
        images, size=[height, width], mode="bicubic", antialias=True, align_corners=False
    )


def enlarged(images: Tensor, factor: int) -> Tensor:
    """Return `[N, C, H * factor, W * factor]`, nothing cut off."""
    return resized(images, images.shape[2] * factor, images.shape[3] * factor)


def luma(images: Tensor) -> Tensor:
    """Return `[N, 1, H, W]`: BT.601's Y, from 16/255 to 235/255, of colour; grey as it is.

    It is what MATLAB's `rgb2ycbcr` gives, on which the papers train and measure.
    """
    if images.shape[1] == 1:
        return images
    weights = images.new_tensor(_WEIGHTS).view(1, 3, 1, 1) / 255
    return (images * weights).sum(1, keepdim=True) + _BLACK


def reluminated(images: Tensor, change: Tensor) -> Tensor:
    """Return images with so much added to their luma, Cb and Cr as they were.

    Args:
        images: `[N, C, H, W]`.
        change: `[N, 1, H, W]`.
    """
    return images + change * (1 if images.shape[1] == 1 else _SPAN)
