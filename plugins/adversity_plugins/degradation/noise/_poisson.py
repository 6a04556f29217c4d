"""Exact Poisson numbers at many rates, by table: many times faster than one by one.

Poisson numbers add up. A rate is a grid point, whose number comes from a table by Walker's
alias method, plus a small rest, whose number is nearly always 0 and is found by inversion.

Reference: Walker, "An efficient method for generating discrete random variables with general
distributions", 1977.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["poisson"]

_GRID = 256
"""Steps between 0 and the largest rate."""
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
    import numpy as np
    import torch

    given = share.detach().cpu().float().numpy()
    counts = np.empty(given.shape, np.float32)
    for row in range(len(given)):
        streams = rng.rows([row])
        first, second = (streams.uniform(share.shape[1:])[0].numpy() for _ in range(2))
        _count(given[row], largest, first, second, counts[row])
    return torch.from_numpy(counts)


def _count(
    share: NDArray[Any],
    largest: float,
    first: NDArray[Any],
    second: NDArray[Any],
    counts: NDArray[Any],
) -> None:
    """Fill in the counts of one sample from two uniform numbers for each."""
    import numpy as np

    kept, other, columns = _table(largest)
    point = np.floor(share * np.float32(_GRID))
    rest = (share - point / np.float32(_GRID)) * np.float32(largest)
    first *= columns
    column = np.floor(first)
    first -= column
    cell = (point * np.float32(columns) + column).astype(np.intp)
    # By arithmetic: a choice by a random mask is five times as slow.
    moved = first >= kept.take(cell)
    np.add(column, moved * (other.take(cell) - column), out=counts)
    # Nearly all rests add nothing.
    some = np.flatnonzero(second >= np.exp(-rest))
    rest, drawn = rest.ravel()[some], second.ravel()[some]
    term = np.exp(-rest)
    reached, more = term.copy(), np.zeros_like(rest)
    for k in range(1, _terms(largest / _GRID) + 1):
        more += drawn >= reached
        term *= rest / np.float32(k)
        reached += term
    counts.ravel()[some] += more


def _terms(rate: float) -> int:
    """Return the largest count that is met at a small rate."""
    count, term = 0, 1.0
    while term > _UNSEEN:
        count += 1
        term *= rate / count
    return count


@lru_cache(maxsize=8)
def _table(largest: float) -> tuple[Any, Any, int]:
    """Return what share of each cell keeps its column, the other count, and the columns."""
    import numpy as np

    columns = 1 << math.ceil(math.log2(largest + 8 * math.sqrt(largest) + 16))
    kept = np.ones((_GRID + 1, columns), np.float32)
    other = np.zeros((_GRID + 1, columns), np.float32)
    for point in range(_GRID + 1):
        _fill(kept[point], other[point], _probabilities(largest * point / _GRID, columns))
    return kept.ravel(), other.ravel(), columns


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
