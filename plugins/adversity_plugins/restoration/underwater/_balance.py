"""White balance by means of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["equal_means", "red_compensated"]

_BLACK = 1e-3
"""Added to means before one is divided by another."""


def equal_means(images: Tensor, strength: float) -> Tensor:
    """Return each channel scaled towards the mean of all, not limited to [0, 1].

    Args:
        images: `[N, C, H, W]`.
        strength: 1 for equal means, 0 for the images as they are.
    """
    means = images.mean((2, 3), keepdim=True) + _BLACK
    return images * (means.mean(1, keepdim=True) / means) ** strength


def red_compensated(images: Tensor, alpha: float) -> Tensor:
    """Return images with red added where green is bright, as if the water had left it.

    red + alpha (mean green - mean red) (1 - red) green, on values in [0, 1].

    Reference: Ancuti, Ancuti, De Vleeschouwer, Bekaert, "Color balance and fusion for underwater
    image enhancement", 2018, equation 4.
    """
    import torch

    red, green = images[:, :1], images[:, 1:2]
    lost = green.mean((2, 3), keepdim=True) - red.mean((2, 3), keepdim=True)
    return torch.cat([red + alpha * lost * (1 - red) * green, images[:, 1:]], 1)
