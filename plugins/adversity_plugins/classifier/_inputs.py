"""What networks share at their input: three channels and one size, differentiably."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["centre_crop", "stretch", "to_rgb"]


def to_rgb(images: Tensor) -> Tensor:
    """Repeat grey images to three equal channels; RGB passes.

    Args:
        images: `[N, C, H, W]`, C = 1 or 3.
    """
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def stretch(images: Tensor, height: int, width: int, *, mode: str = "bilinear") -> Tensor:
    """Bring images to one size with an antialiased filter; images of that size pass.

    Args:
        images: `[N, C, H, W]` floating-point.
        height: The new H.
        width: The new W.
        mode: `bilinear` or `bicubic`.
    """
    if images.shape[-2:] == (height, width):
        return images
    from torch.nn.functional import interpolate

    return interpolate(images, size=(height, width), mode=mode, antialias=True, align_corners=False)


def centre_crop(images: Tensor, side: int) -> Tensor:
    """Keep the central square, rounded as torchvision rounds it."""
    top = round((images.shape[-2] - side) / 2)
    left = round((images.shape[-1] - side) / 2)
    return images[..., top : top + side, left : left + side]
