"""A sum that is rounded once: whatever the order of the values, the same bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from adversity.metrics.predictions import Floats

__all__ = ["exact_sum"]

_LONG = np.longdouble
_UNIT = float(np.finfo(_LONG).eps) / 2
_BLOCK = 16


def exact_sum(values: Floats) -> float:
    """Return the exactly rounded sum of finite float64 values.

    It is summed with more digits in blocks of 16, blocks of blocks and so on, so that the error of
    that sum is below 15 units a level of the sum of sizes (Higham, "Accuracy and Stability of
    Numerical Algorithms", 2002, section 4.2), whatever order NumPy takes within a block. Where
    both ends of what it may be round to one number, this is the sum; else, and where the machine
    has no more digits, Python's `math.fsum` computes it, four times as slowly.

    Args:
        values: `[N]`.

    Example:
        >>> exact_sum(np.array([1e16, 1.0, -1e16]))
        1.0
    """
    parts = values.astype(_LONG)
    levels = 1
    while len(parts) > _BLOCK:
        whole = len(parts) // _BLOCK * _BLOCK
        blocks = parts[:whole].reshape(-1, _BLOCK).sum(axis=1)
        parts = np.append(blocks, parts[whole:].sum()) if whole < len(parts) else blocks
        levels += 1
    total = parts.sum()
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number here is summed below
        # The sizes are summed in float64, so a little more than they are.
        sizes = _LONG(float(np.abs(values).sum()) * (1 + 1e-9))
        slack = sizes * (_BLOCK * levels * _UNIT)
        low, high = float(total - slack), float(total + slack)
    if low == high and math.isfinite(low):
        return low + 0.0  # no sum is -0.0
    return math.fsum(values.tolist())
