"""A layer of rain told from the scene by its direction, as one convex problem.

min over R of  along |D R|_1 + sparse |R|_1 + |d (O - R)|_1,  0 <= R <= most,

with D the differences along the rain, d those across it (along rows) and O the rainy luma: rain
changes little along its streaks and is rare, and the scene without it has few edges across. By
the primal-dual method of Chambolle and Pock, 2011.

Reference: Deng, Huang, Zhao, Jiang, "A directional global sparse model for single image rain
removal", 2018.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["across_rain", "along_rain", "rain_angle", "rain_layer"]

_STEP = 8**-0.5
"""Of both variables: the squared norm of both differences together is at most 8."""
_TURN = 2
"""Degrees between two candidates for the direction."""
_REACH = 6
"""Rows over which a candidate is compared."""


def rain_layer(
    luma: Tensor, most: Tensor, slant: Tensor, *, along: float, sparse: float, iterations: int
) -> Tensor:
    """Return what the rain adds, `[N, 1, H, W]` in [0, most].

    Args:
        luma: `[N, 1, H, W]`.
        most: `[N, 1, H, W]`, the least channel: the scene is not below black.
        slant: `[N]`, columns that the rain moves to the right for each row down, in [-1, 1].
        along: Weight of changes along the rain.
        sparse: Weight of the rain itself.
        iterations: Of the primal-dual method.
    """
    import torch

    edges = across_rain(luma)
    layer = torch.zeros_like(luma)
    ahead, first, second = layer, torch.zeros_like(along_rain(layer, slant)), edges * 0
    for _ in range(iterations):
        first = (first + _STEP * along_rain(ahead, slant)).clamp(-along, along)
        second = (second + _STEP * (across_rain(ahead) - edges)).clamp(-1, 1)
        down = _along_adjoint(first, slant) + _across_adjoint(second)
        moved = (layer - _STEP * (down + sparse)).clamp(min=0).minimum(most)
        ahead, layer = 2 * moved - layer, moved
    return layer


def across_rain(planes: Tensor) -> Tensor:
    """Return differences along rows, `[N, 1, H, W - 1]`."""
    return planes.diff(dim=3)


def _across_adjoint(field: Tensor) -> Tensor:
    from torch.nn.functional import pad

    return -pad(field, (1, 1)).diff(dim=3)


def along_rain(planes: Tensor, slant: Tensor) -> Tensor:
    """Return differences from row to row along the rain, `[N, 1, H - 1, W]`.

    Between columns it is linear; beyond the left and right border is nothing.
    """
    from torch.nn.functional import pad

    wide = pad(planes, (1, 1))[:, :, 1:]
    left, middle, right = _shares(slant)
    moved = left * wide[..., :-2] + middle * wide[..., 1:-1] + right * wide[..., 2:]
    return moved - planes[:, :, :-1]


def _along_adjoint(field: Tensor, slant: Tensor) -> Tensor:
    import torch
    from torch.nn.functional import pad

    left, middle, right = _shares(slant)
    below = pad(left * field, (0, 2)) + pad(middle * field, (1, 1)) + pad(right * field, (2, 0))
    none = field.new_zeros(len(field), 1, 1, field.shape[3])
    return torch.cat([none, below[..., 1:-1]], 2) - torch.cat([field, none], 2)


def _shares(slant: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the pixels below left, below and below right count, `[N, 1, 1, 1]` each."""
    slant = slant.view(-1, 1, 1, 1)
    return (-slant).clamp(min=0), 1 - slant.abs(), slant.clamp(min=0)


def rain_angle(luma: Tensor, most_degrees: int) -> Tensor:
    """Return in which direction thin bright lines run, `[N]` degrees to the right of downwards.

    Of the candidates, that along which what is brighter than its neighbours to both sides
    changes least over six rows.
    """
    import torch

    thin = _thin(luma)
    height, width = luma.shape[2:]
    candidates = range(-most_degrees, most_degrees + 1, _TURN)
    if height <= _REACH:
        return luma.new_zeros(len(luma))
    changes = []
    for degrees in candidates:
        shift = round(_REACH * math.tan(math.radians(degrees)))
        if abs(shift) >= width:
            changes.append(luma.new_full((len(luma),), math.inf))
            continue
        upper = thin[:, :, :-_REACH, max(0, -shift) : width - max(0, shift)]
        lower = thin[:, :, _REACH:, max(0, shift) : width - max(0, -shift)]
        changes.append((upper - lower).abs().flatten(1).mean(1))
    best = torch.stack(changes, 1).argmin(1)
    return luma.new_tensor(list(candidates))[best]


def _thin(luma: Tensor) -> Tensor:
    """Return what an opening along rows takes away: bright things less than 7 pixels wide."""
    from torch.nn.functional import max_pool2d

    eroded = -max_pool2d(-luma, (1, 7), stride=1, padding=(0, 3))
    return luma - max_pool2d(eroded, (1, 7), stride=1, padding=(0, 3))
