"""Drawn patches of what is sharp: steps, lines and corners, in many directions and places.

Reference: Sun, Cho, Wang, Hays, "Edge-based blur kernel estimation using patch priors", 2013,
section 3.2 (the synthetic prior).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ATOM_SIDE", "patch_atoms"]

ATOM_SIDE = 5
"""Of a patch, in pixels."""
_FINE = 8
"""Points in a pixel, each way, whose mean the pixel is: what lens and sensor do to an edge."""
_DIRECTIONS = 16
_PLACES = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Of an edge, in pixels from the middle of the patch."""
_WIDTHS = (1.0, 2.0)
"""Of a line, in pixels."""
_SAME = 1 - 1e-6
"""Correlation from which on two patches are one."""


@cache
def patch_atoms() -> Tensor:
    """Return `[196, 25]` float64: rows of patches with mean 0 and mean square 1.

    Of a patch and its negative there is one; only corners are drawn in all directions. An upright
    line of one pixel between two columns, and one of two pixels, are the same: one of them stays.
    """
    import torch

    side = ATOM_SIDE * _FINE
    at = (torch.arange(side, dtype=torch.float64) + 0.5) / _FINE - ATOM_SIDE / 2
    down, right = torch.meshgrid(at, at, indexing="ij")
    drawn = []
    for step in range(_DIRECTIONS):
        angle = 2 * math.pi * step / _DIRECTIONS
        across = right * math.cos(angle) + down * math.sin(angle)
        along = down * math.cos(angle) - right * math.sin(angle)
        for place in _PLACES:
            drawn.append((across > place) & (along > place))
            if step < _DIRECTIONS // 2:
                drawn.append(across > place)
                drawn += [(across - place).abs() < width / 2 for width in _WIDTHS]
    fine = torch.stack(drawn).double().view(-1, ATOM_SIDE, _FINE, ATOM_SIDE, _FINE)
    patches = fine.mean((2, 4)).flatten(1)
    patches = patches - patches.mean(1, keepdim=True)
    patches = patches / patches.square().mean(1, keepdim=True).sqrt()
    alike = (patches @ patches.T).abs() > _SAME * patches.shape[1]
    return patches[~alike.tril(-1).any(1)]
