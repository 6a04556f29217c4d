"""Sums of shifted images: correlation with few taps, faster than a general one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from adversity_plugins.degradation._in_cache import in_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

__all__ = ["gaussian_blurred", "gaussian_line", "replicated", "shifted_sum"]

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

    line = _weights(sigma_px, images.dtype)
    radius, height, width = len(line) // 2, images.shape[2], images.shape[3]
    across = [(0, at, weight) for at, weight in enumerate(line)]
    down = [(at, 0, weight) for at, weight in enumerate(line)]
    blurred = []
    for part in in_cache(images):
        wide = replicated(part, radius, radius)
        rows = shifted_sum(wide, across, height + 2 * radius, width)
        blurred.append(shifted_sum(rows, down, height, width))
    return torch.cat(blurred) if len(blurred) > 1 else blurred[0]


@lru_cache(maxsize=32)
def _weights(sigma_px: float, dtype: torch.dtype) -> tuple[float, ...]:
    return tuple(gaussian_line(sigma_px).to(dtype).tolist())


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
    if padded.requires_grad:
        return _differentiable_sum(padded, taps, height, width)
    # In place, and windows by their strides: sums of slices take twice as long.
    size, strides = (*padded.shape[:-2], height, width), padded.stride()
    corner = padded.storage_offset()
    begins = [corner + row * strides[-2] + column * strides[-1] for row, column, _ in taps]
    total = padded.as_strided(size, strides, begins[0]) * taps[0][2]
    for begin, (_, _, weight) in zip(begins[1:], taps[1:], strict=True):
        total.add_(padded.as_strided(size, strides, begin), alpha=weight)
    return total


def _differentiable_sum(
    padded: Tensor, taps: Sequence[tuple[int, int, float]], height: int, width: int
) -> Tensor:
    """Return the same values, nothing written over."""
    (row, column, weight), *others = taps
    total = padded[..., row : row + height, column : column + width] * weight
    for row, column, weight in others:
        window = padded[..., row : row + height, column : column + width]
        total = total.add(window, alpha=weight)
    return total
