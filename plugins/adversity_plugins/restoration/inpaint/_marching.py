"""Telea's inpainting: from the rim of a hole inwards, each pixel from the known ones near it.

Reference: Telea, "An image inpainting technique based on the fast marching method", 2004;
Sethian, "A fast marching level set method for monotonically advancing fronts", 1996.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["filled", "march"]

_BESIDE = ((-1, 0), (1, 0), (0, -1), (0, 1))
_LEAST = 1e-6
"""Weight of a pixel across the front's direction, so that some pixel always counts."""


def filled(images: Tensor, known: Tensor, radius: int) -> Tensor:
    """Return images without holes: each missing pixel a weighted mean of those near it.

    Args:
        images: `[N, C, H, W]` float64.
        known: `[N, 1, H, W]` bool, with a known pixel in each image.
        radius: Of the neighbourhood in pixels.

    Returns:
        `[N, C, H, W]` float64; linear in the known pixels, and so is the gradient.
    """
    solved: Tensor = _Fill.apply(images, known, radius)
    return solved


class _Fill(torch.autograd.Function):
    """Take the means in the order of the front; the gradient goes back in the other order."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, known: Tensor, radius: int) -> Tensor:
        values = images.detach().flatten(2).cpu().numpy().copy()
        ctx.means = [_means(mask, radius) for mask in known[:, 0].cpu().numpy()]
        for row, means in zip(values, ctx.means, strict=True):
            for place, near, weights in means:
                row[:, place] = row[:, near] @ weights
        return torch.from_numpy(values).to(images).reshape(images.shape)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator's stub)
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None]:
        slopes = gradient.detach().flatten(2).cpu().numpy().copy()
        for row, means in zip(slopes, ctx.means, strict=True):
            for place, near, weights in reversed(means):
                row[:, near] += row[:, place, None] * weights
                row[:, place] = 0
        return torch.from_numpy(slopes).to(gradient).reshape(gradient.shape), None, None


def _means(known: Any, radius: int) -> list[tuple[int, Any, Any]]:
    """Return for each missing pixel, in order, its place, those of known ones near, and weights.

    Args:
        known: `[H, W]` bool.
        radius: In pixels.
    """
    if known.all():
        return []
    width = known.shape[1]
    reach = radius + 1  # a border on which nothing is known keeps the neighbourhoods whole
    ready = np.pad(known, reach)
    # On the known side the distance to the rim counts as negative, as in the paper's section 3.
    time = np.pad(np.where(known, 1 - distance_transform_edt(known), np.inf), reach)
    time[~np.pad(np.ones_like(known), reach)] = np.inf
    disc, means = _disc(radius), []
    for row, column in march(time, np.pad(~known, reach)):
        rows, columns, weights = _weights(ready, time, row, column, disc)
        near = (rows - reach) * width + columns - reach
        means.append(((row - reach) * width + column - reach, near, weights))
        ready[row, column] = True
    return means


def march(time: Any, hole: Any) -> Iterator[tuple[int, int]]:
    """Yield the pixels of a hole in the order in which a front from its rim reaches them.

    `time` there becomes the front's time of arrival when the pixel is yielded: the solution of
    |grad T| = 1. Of pixels reached at once the upper, then the left one comes first.

    Args:
        time: `[H, W]` float64, inf where the image is not known.
        hole: `[H, W]` bool, what shall be reached; nowhere on the outermost pixels.
    """
    waiting = hole.copy()
    soonest = np.full(time.shape, np.inf)
    front: list[tuple[float, int, int]] = []

    def look(row: int, column: int) -> None:
        arrives = _arrival(time, row, column)
        if arrives < soonest[row, column]:
            soonest[row, column] = arrives
            heapq.heappush(front, (arrives, row, column))

    for row, column in np.argwhere(hole).tolist():
        look(row, column)
    while front:
        when, row, column = heapq.heappop(front)
        if not waiting[row, column]:
            continue
        waiting[row, column] = False
        time[row, column] = when
        yield row, column
        for down, across in _BESIDE:
            if waiting[row + down, column + across]:
                look(row + down, column + across)


def _arrival(time: Any, row: int, column: int) -> float:
    """Return when a front arrives from the neighbours that it has reached, inf if from none."""
    first = min(float(time[row - 1, column]), float(time[row + 1, column]))
    second = min(float(time[row, column - 1]), float(time[row, column + 1]))
    if math.isinf(first) or math.isinf(second) or abs(first - second) >= 1:
        return min(first, second) + 1
    return (first + second + math.sqrt(2 - (first - second) ** 2)) / 2


def _disc(radius: int) -> tuple[Any, Any, Any]:
    """Return rows, columns and distance of the pixels around one, itself left out."""
    down, across = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    square = down**2 + across**2
    inside = (square <= radius**2) & (square > 0)
    return down[inside], across[inside], np.sqrt(square[inside])


def _weights(
    ready: Any, time: Any, row: int, column: int, disc: tuple[Any, Any, Any]
) -> tuple[Any, Any, Any]:
    """Return the known pixels near one and what each counts: rows, columns, weights (sum 1)."""
    down, across, distance = disc
    use = ready[row + down, column + across]
    down, across, distance = down[use], across[use], distance[use]
    rows, columns = row + down, column + across
    normal = _slope(time, row, column, -1, 0), _slope(time, row, column, 0, -1)
    along = np.abs(down * normal[0] + across * normal[1]) / distance
    level = 1 / (1 + np.abs(time[rows, columns] - time[row, column]))
    weights = np.maximum(along, _LEAST) * level / distance**2
    return rows, columns, weights / weights.sum()


def _slope(time: Any, row: int, column: int, down: int, across: int) -> float:
    """Return the derivative of the time of arrival along an axis, from where it is known."""
    here = time[row, column]
    before, after = time[row + down, column + across], time[row - down, column - across]
    if math.isinf(before):
        return 0.0 if math.isinf(after) else float(after - here)
    return float(here - before if math.isinf(after) else (after - before) / 2)
