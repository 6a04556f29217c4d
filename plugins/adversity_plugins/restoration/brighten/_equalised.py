"""Contrast-limited adaptive histogram equalisation of one plane, smooth in its values.

Each tile has a histogram of its own; values count in the two bins beside them, by how near these
are, so that a small change of a value changes the result little. A bin holds no more than a
limit, and what is above is spread over all bins. The running sum is each tile's curve, straight
between bins, and each pixel takes what the four nearest tiles' curves say, bilinearly.

Reference: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["equalised", "limited"]

_ROUNDS = 32
"""Bisections of the limit: float64 needs no more."""


def equalised(planes: Tensor, *, tiles: int, limit: float, bins: int) -> Tensor:
    """Return planes with more contrast in each neighbourhood.

    Args:
        planes: `[N, 1, H, W]` in [0, 1], floating-point.
        tiles: Along each side; no more than there are pixels.
        limit: Most that a bin may hold, in units of an even histogram's, above 1.
        bins: Of the histogram.

    Returns:
        `[N, 1, H, W]` in [0, 1].
    """
    import torch

    height, width = planes.shape[2:]
    rows, columns = _tile_of(height, tiles), _tile_of(width, tiles)
    down, across = int(rows.max()) + 1, int(columns.max()) + 1
    tile = (rows.view(-1, 1) * across + columns).to(planes.device)
    place = planes.flatten(1) * (bins - 1)
    lower = place.detach().floor().clamp(0, bins - 2).long()
    part = place - lower
    index = tile.flatten() * bins + lower
    flat = planes.new_zeros(len(planes), down * across * bins)
    flat = flat.scatter_add(1, index, 1 - part).scatter_add(1, index + 1, part)
    histogram = flat.reshape(len(planes), down * across, bins)
    histogram = histogram / histogram.sum(2, keepdim=True)
    curves = _curves(limited(histogram, limit / bins)).flatten(1)
    total = torch.zeros_like(place)
    for near, share in _corners(height, width, down, across):
        start = near.to(planes.device).flatten() * bins + lower
        low, high = curves.gather(1, start), curves.gather(1, start + 1)
        total = total + share.to(planes).flatten() * (low + part * (high - low))
    return total.reshape(planes.shape)


def limited(histogram: Tensor, most: float) -> Tensor:
    """Return histograms of the same sum whose bins above a limit are cut and spread over all.

    min(h, cut) + rest, with the rest such that the sum stays and no bin exceeds `most`.

    Args:
        histogram: `[N, T, B]`, each sums to 1.
        most: Largest bin of the result, above 1 / B.
    """
    import torch

    bins = histogram.shape[2]
    fixed = histogram.detach()
    low, high = torch.zeros_like(fixed[..., :1]), torch.full_like(fixed[..., :1], most)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        above = (fixed - middle).clamp(min=0).sum(2, keepdim=True)
        fits = middle + above / bins <= most
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    # Which bins are cut is known now, and with them the cut is a formula that has a gradient.
    over = (fixed > high).to(histogram)
    count, above = over.sum(2, keepdim=True), (over * histogram).sum(2, keepdim=True)
    cut = (most - above / bins) / (1 - count / bins)
    kept = torch.where(over > 0, cut, histogram)
    return kept + (1 - kept.sum(2, keepdim=True)) / bins


def _curves(histogram: Tensor) -> Tensor:
    """Return the running sums from 0 to 1, the middle of each bin's step, stretched to [0, 1]."""
    upto = histogram.cumsum(2) - histogram / 2
    first, last = upto[..., :1], upto[..., -1:]
    return (upto - first) / (last - first)


def _tile_of(size: int, tiles: int) -> Tensor:
    """Return the tile of each pixel along a side, `[size]`."""
    import torch

    count = min(tiles, size)
    return torch.arange(size) * count // size


def _corners(height: int, width: int, down: int, across: int) -> list[tuple[Tensor, Tensor]]:
    """Return the four tiles nearest each pixel, `[H, W]`, and what each counts."""
    top, bottom, lower = _between(height, down)
    left, right, later = _between(width, across)
    return [
        (row.view(-1, 1) * across + column, a.view(-1, 1) * b)
        for row, a in ((top, 1 - lower), (bottom, lower))
        for column, b in ((left, 1 - later), (right, later))
    ]


def _between(size: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the tiles whose middles a pixel lies between, and how near it is to the second."""
    import torch

    place = ((torch.arange(size, dtype=torch.float64) + 0.5) * count / size - 0.5).clamp(
        0, count - 1
    )
    first = place.floor().long()
    return first, (first + 1).clamp(max=count - 1), place - first
