"""A score computed for a few rows at a time, so that its memory does not grow with the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["in_row_blocks"]

_VALUES = 1 << 20
"""Values of a block: 8 MiB in float64, of which a score holds a handful at once."""


def in_row_blocks(score: Callable[[Tensor], Tensor], values: Tensor, axis: int = 0) -> Tensor:
    """Return the scores `[N]` of rows, computed in blocks; differentiable where `score` is.

    Args:
        score: From float64 values of some rows to their scores `[n]`; a row's is its own.
        values: Any float type, with N rows along `axis`.
        axis: 0 for `[N, K]`, 1 for `[M, N, K]`.
    """
    import torch

    count = values.shape[axis]
    rows = max(1, _VALUES * count // max(1, values.numel()))
    if count <= rows:
        return score(values.double())
    parts = (
        score(values.narrow(axis, at, min(rows, count - at)).double())
        for at in range(0, count, rows)
    )
    if values.requires_grad:
        return torch.cat(list(parts))
    # Results that are kept in pieces lie between the blocks that are freed, which then are not
    # reused: a million rows of a thousand classes were measured to take 8.3 GiB, and 0.8 GiB so.
    scores = torch.empty(count, dtype=torch.float64, device=values.device)
    for at, part in zip(range(0, count, rows), parts, strict=True):
        scores[at : at + rows] = part
    return scores
