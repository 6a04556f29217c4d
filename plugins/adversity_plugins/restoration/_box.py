"""Sums over square windows that are cut off at the image's border, and what is built on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["box_mean", "guided_filter", "local_minimum"]


def local_minimum(planes: Tensor, size: int) -> Tensor:
    """Return the least value in a window around each pixel.

    Args:
        planes: `[N, C, H, W]`.
        size: Side of the window in pixels, odd.

    Returns:
        The same shape.
    """
    from torch.nn import functional

    half = size // 2
    # Padding counts as minus infinity for a maximum, so never as the minimum.
    rows = functional.max_pool2d(-planes, (size, 1), stride=1, padding=(half, 0))
    return -functional.max_pool2d(rows, (1, size), stride=1, padding=(0, half))


def box_mean(planes: Tensor, radius: int) -> Tensor:
    """Return the mean over a window of 2 radius + 1 pixels, of the part inside the image.

    Args:
        planes: `[N, C, H, W]`.
        radius: In pixels.

    Returns:
        The same shape.
    """
    from torch.nn import functional

    side = 2 * radius + 1
    for kernel, padding in (((side, 1), (radius, 0)), ((1, side), (0, radius))):
        planes = functional.avg_pool2d(
            planes, kernel, stride=1, padding=padding, count_include_pad=False
        )
    return planes


def guided_filter(guide: Tensor, planes: Tensor, *, radius: int, eps: float) -> Tensor:
    """Smooth so that the result follows the edges of a guide: in each window it is linear in it.

    Args:
        guide: `[N, C, H, W]`.
        planes: `[N, 1, H, W]`, what is smoothed.
        radius: Of the windows in pixels.
        eps: What is added to the variance of the guide; edges of less contrast than its square
            root are smoothed.

    Returns:
        `[N, 1, H, W]`.

    Reference: He, Sun, Tang, "Guided image filtering", 2013, equations 19 to 21.
    """
    import torch

    channels = guide.shape[1]
    mean, middle = box_mean(guide, radius), box_mean(planes, radius)
    products = torch.cat([guide[:, k : k + 1] * guide for k in range(channels)], 1)
    squares = box_mean(products, radius)
    squares = squares.reshape(len(guide), channels, channels, *guide.shape[2:])
    spread = squares - mean.unsqueeze(1) * mean.unsqueeze(2)
    shared = box_mean(guide * planes, radius) - mean * middle
    matrix = spread.permute(0, 3, 4, 1, 2) + eps * torch.eye(channels).to(guide)
    slope = torch.linalg.solve(matrix, shared.permute(0, 2, 3, 1).unsqueeze(-1))
    slope = slope.squeeze(-1).permute(0, 3, 1, 2)
    offset = middle - (slope * mean).sum(1, keepdim=True)
    return (box_mean(slope, radius) * guide).sum(1, keepdim=True) + box_mean(offset, radius)
