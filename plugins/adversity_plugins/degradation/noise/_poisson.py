"""Exact Poisson numbers at many rates, by table: many times faster than one by one.

Poisson numbers add up. A rate is a grid point, whose number comes from a table by Walker's
alias method, plus a small rest, whose number is nearly always 0 and is found by inversion.

Reference: Walker, "An efficient method for generating discrete random variables with general
distributions", 1977.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["poisson"]

_GRID = 256
"""Steps between 0 and the largest rate."""
_ROUNDED = 1e-6
"""More than float32 rounds a probability by."""
_UNSEEN = 2.0**-25
"""Probabilities below this are never met: uniform float32 numbers are multiples of 2^-24."""


def poisson(share: Tensor, largest: float, rng: SampleRng) -> Tensor:
    """Draw counts at rates `share * largest`.

    Args:
        share: `[N, ...]` in [0, 1].
        largest: The rate of a share of 1, at most a few hundred.
        rng: Row i draws for sample i.

    Returns:
        The same shape, float32 on the CPU.
    """
    import torch

    given = share.detach().cpu().float()
    counts = []
    for row in range(len(given)):
        streams = rng.rows([row])
        first, second = (streams.uniform(share.shape[1:])[0] for _ in range(2))
        counts.append(_count(given[row], largest, first, second))
    return torch.stack(counts) if len(counts) > 1 else counts[0][None]


def _count(share: Tensor, largest: float, first: Tensor, second: Tensor) -> Tensor:
    """Return the counts of one sample from two uniform numbers for each."""
    import torch

    kept, other, columns = _table(largest)
    point = (share * _GRID).floor_()
    first *= columns
    column = first.floor()
    first -= column
    cell = point.mul(columns).add_(column).int().flatten()
    # Into floats and by arithmetic: a choice by a random mask is five times as slow.
    moved = torch.ge(first, kept.index_select(0, cell).view(first.shape), out=first)
    counts = other.index_select(0, cell).view(first.shape)
    counts.sub_(column).mul_(moved).add_(column)
    _add_rests(counts, share, point, second, largest)
    return counts


def _add_rests(
    counts: Tensor, share: Tensor, point: Tensor, second: Tensor, largest: float
) -> None:
    """Add the counts at what a rate has beyond its grid point: nearly all are 0."""
    import numpy as np

    drawn, total = second.numpy().ravel(), counts.numpy().ravel()
    # Below this none is met, whatever the rest.
    some = np.flatnonzero(drawn >= np.float32(math.exp(-largest / _GRID) - _ROUNDED))
    rest = share.numpy().ravel()[some] - point.numpy().ravel()[some] / np.float32(_GRID)
    rest *= np.float32(largest)
    term, drawn = np.exp(-rest), drawn[some]
    reached, more = term.copy(), np.zeros_like(rest)
    for k in range(1, _terms(largest / _GRID) + 1):
        more += drawn >= reached
        term *= rest / np.float32(k)
        reached += term
    total[some] += more


def _terms(rate: float) -> int:
    """Return the largest count that is met at a small rate."""
    count, term = 0, 1.0
    while term > _UNSEEN:
        count += 1
        term *= rate / count
    return count


@lru_cache(maxsize=8)
def _table(largest: float) -> tuple[Tensor, Tensor, int]:
    """Return what share of each cell keeps its column, the other count, and the columns."""
    import numpy as np
    import torch

    columns = 1 << math.ceil(math.log2(largest + 8 * math.sqrt(largest) + 16))
    kept = np.ones((_GRID + 1, columns), np.float32)
    other = np.zeros((_GRID + 1, columns), np.float32)
    for point in range(_GRID + 1):
        _fill(kept[point], other[point], _probabilities(largest * point / _GRID, columns))
    return torch.from_numpy(kept.ravel()), torch.from_numpy(other.ravel()), columns


def _probabilities(rate: float, columns: int) -> list[float]:
    """Return the probabilities of 0, 1, ... at a rate, normalised to the columns."""
    logs = [
        k * math.log(rate) - rate - math.lgamma(k + 1) if rate else -k * math.inf if k else 0.0
        for k in range(columns)
    ]
    values = [math.exp(value) for value in logs]
    total = math.fsum(values)
    return [value / total for value in values]


def _fill(kept: object, other: object, probabilities: list[float]) -> None:
    """Share the columns' surplus and want, so that each holds two counts at most."""
    left = [value * len(probabilities) for value in probabilities]
    want = [k for k, value in enumerate(left) if value < 1]
    surplus = [k for k, value in enumerate(left) if value >= 1]
    while want and surplus:
        low, high = want.pop(), surplus[-1]
        kept[low], other[low] = left[low], high  # type: ignore[index]
        left[high] -= 1 - left[low]
        if left[high] < 1:
            want.append(surplus.pop())
