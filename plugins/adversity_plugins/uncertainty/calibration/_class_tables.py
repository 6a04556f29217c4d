"""Functions of one probability, one for each class, as tables; needs torch, no plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["line_values", "packed", "step_values"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def packed(rows: Sequence[Floats], fill: float | None) -> Tensor:
    """Return rows of unlike lengths as `[F, L]`, filled with a number or their last value."""
    length = max(1, *map(len, rows))
    table = np.full((len(rows), length), 0.0 if fill is None else fill)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
        if fill is None:
            table[k, len(row) :] = row[-1]
    return torch.from_numpy(table)


def step_values(probs: Tensor, edges: Tensor, values: Tensor) -> Tensor:
    """Return the value of each probability's bin; bin i is (edge i - 1, edge i].

    Args:
        probs: `[N, F]`.
        edges: `[F, L]` ascending, filled with infinity; the outer ones are left out.
        values: `[F, L + 1]`; below 0 where the probability itself is the value.

    Returns:
        `[N, F]`.
    """
    given = probs.T.contiguous()
    found = values.gather(1, torch.searchsorted(edges, given))
    return torch.where(found < 0, given, found).T


def line_values(probs: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Return the line through each class's knots, flat outside of them.

    Args:
        probs: `[N, F]`.
        knots: `[F, L]` ascending, filled with infinity.
        values: `[F, L]`, filled with their last value.

    Returns:
        `[N, F]`.
    """
    given = probs.T.contiguous()
    above = torch.searchsorted(knots, given, right=True)
    high = above.clamp(max=knots.shape[1] - 1)
    low = (above - 1).clamp(min=0)
    x0, x1 = knots.gather(1, low), knots.gather(1, high)
    y0, y1 = values.gather(1, low), values.gather(1, high)
    width = x1 - x0
    inside = (width > 0) & width.isfinite()
    share = torch.where(inside, (given - x0) / torch.where(inside, width, 1.0), 0.0)
    return (y0 + share.clamp(0, 1) * (y1 - y0)).T
