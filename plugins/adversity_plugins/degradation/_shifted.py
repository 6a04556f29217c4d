"""Sums of shifted images: correlation with few taps, faster than a general one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["gaussian_blurred", "gaussian_line", "in_cache", "replicated", "shifted_sum"]

_TRUNCATE = 4.0
"""The kernel ends at this many sigmas, as in scipy and scikit-image."""


def gaussian_line(sigma_px: float) -> Tensor:
    """Return the normalised one-dimensional kernel `[k]` float64, cut at 4 sigma."""
    import torch

    radius = int(_TRUNCATE * sigma_px + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    return weights / weights.sum()


def gaussian_blurred(images: Tensor, sigma_px: float) -> Tensor:
    """Correlate rows, then columns, each channel by itself, the border pixels going on.

    Args:
        images: `[N, C, H, W]`.
        sigma_px: Standard deviation in pixels.

    Returns:
        The same shape; white may become 1.0000001, since weights sum to 1 but for rounding.
    """
    import torch

    line = gaussian_line(sigma_px).to(images.dtype).tolist()
    radius, height, width = len(line) // 2, images.shape[2], images.shape[3]
    across = [(0, at, weight) for at, weight in enumerate(line)]
    down = [(at, 0, weight) for at, weight in enumerate(line)]
    blurred = []
    for part in in_cache(images):
        wide = replicated(part, radius, radius)
        rows = shifted_sum(wide, across, height + 2 * radius, width)
        blurred.append(shifted_sum(rows, down, height, width))
    return torch.cat(blurred)


def in_cache(images: Tensor) -> list[Tensor]:
    """Return the images one by one on a CPU, whose cache holds one, else all together."""
    if images.device.type != "cpu":
        return [images]
    return [images[row : row + 1] for row in range(len(images))]


def replicated(images: Tensor, rows: int, columns: int) -> Tensor:
    """Return `[N, C, H + 2 rows, W + 2 columns]`, the border pixels going on."""
    from torch.nn import functional

    return functional.pad(images, (columns, columns, rows, rows), mode="replicate")


def shifted_sum(
    padded: Tensor, taps: Sequence[tuple[int, int, float]], height: int, width: int
) -> Tensor:
    """Return the weighted sum of windows of a padded image.

    Args:
        padded: `[..., H', W']`.
        taps: Row and column where each window begins, and its weight.
        height: Of the windows.
        width: Of the windows.

    Returns:
        `[..., height, width]`.
    """
    (row, column, weight), *others = taps
    total = padded[..., row : row + height, column : column + width] * weight
    for row, column, weight in others:
        window = padded[..., row : row + height, column : column + width]
        # In place is twice as fast, and not for what is differentiated.
        add = total.add if total.requires_grad else total.add_
        total = add(window, alpha=weight)
    return total
