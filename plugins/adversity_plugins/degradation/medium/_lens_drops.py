"""Drops of water on the lens or a window: each shows the whole scene, small and upside down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["drops_on_lens"]

_MOST = 120
"""Drops at density 1."""
_RIM = 0.25
"""Width of a drop's soft rim, in radii."""
_MINIFIED = 3.0
"""A drop's radius shows so many radii of the scene, upside down."""


def drops_on_lens(
    rng: SampleRng, height: int, width: int, *, density: float
) -> tuple[Tensor, Tensor]:
    """Return where each pixel looks, and how much a drop covers it.

    Args:
        rng: Row i for image i. A larger density adds drops to those of a smaller one.
        height: H.
        width: W.
        density: Share of 120 drops.

    Returns:
        `[N, H, W, 2]` for `grid_sample` (x, y in [-1, 1]), and `[N, 1, H, W]` in [0, 1].
    """
    import torch

    count = round(density * _MOST)
    draws = rng.child("drops").uniform((_MOST, 4))[:, :count]
    short = min(height, width)
    y = (torch.arange(height) + 0.5).view(1, -1, 1)
    x = (torch.arange(width) + 0.5).view(1, 1, -1)
    here = torch.stack([x.expand(1, height, width), y.expand(1, height, width)], -1)
    looks = here.expand(len(rng), -1, -1, -1)
    cover = torch.zeros(len(rng), height, width)
    for drop in draws.unbind(1):
        top, left, large, tall = (part.view(-1, 1, 1) for part in drop.unbind(1))
        radius = (0.012 + 0.04 * large**2) * short
        down, across = (y - top * height) / (radius * (1 + 0.4 * tall)), (x - left * width) / radius
        distance = (down**2 + across**2).sqrt()
        inside = ((1 - distance) / _RIM).clamp(0, 1)
        over = inside > cover
        far = _MINIFIED * radius * (1 + distance**2)
        seen = torch.stack([left * width - far * across, top * height - far * down], -1)
        looks = torch.where(over.unsqueeze(-1), seen, looks)
        cover = torch.maximum(cover, inside)
    size = torch.tensor([width, height], dtype=torch.float32)
    return looks / size * 2 - 1, cover.unsqueeze(1)
