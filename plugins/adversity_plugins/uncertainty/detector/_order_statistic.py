"""A quantile of all feature values of a stream, exactly and in little memory."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import FitData

__all__ = ["order_statistic"]

_HALF = 16
_BINS = 1 << _HALF


def order_statistic(data: FitData, share: float) -> tuple[float, int, int]:
    """Return the smallest feature value that at least a share of all values does not exceed.

    The values are counted by the upper half of their bits, in the order of the values, then those of
    the bin that it falls into by the lower half: two passes, whatever the number of rows.

    Args:
        data: Blocks with `features` `[N, D]` float32.
        share: Above 0, at most 1, as it is written: 0.9 of ten values are nine.

    Returns:
        The value, N and D.

    Raises:
        DataError: There are no rows or no features.
    """
    counts, n, width = np.zeros(_BINS, np.int64), 0, 0
    for keys, width in _keys(data):
        counts += np.bincount(keys >> _HALF, minlength=_BINS)
        n += len(keys) // width
    if not n:
        raise DataError("expected rows to fit on, got none")
    rank = math.ceil(Fraction(str(share)) * n * width)
    upper, before = _bin(counts, rank)
    counts[:] = 0
    for keys, _ in _keys(data):
        inside = keys[keys >> _HALF == upper] & (_BINS - 1)
        counts += np.bincount(inside, minlength=_BINS)
    lower, _ = _bin(counts, rank - before)
    return _value(upper << _HALF | lower), n, width


def _bin(counts: np.ndarray[Any, Any], rank: int) -> tuple[int, int]:
    """Return the bin of the value of a rank, from 1, and how many values lie before the bin."""
    up_to = counts.cumsum()
    place = int(np.searchsorted(up_to, rank))
    return place, int(up_to[place] - counts[place])


def _keys(data: FitData) -> Iterator[tuple[np.ndarray[Any, Any], int]]:
    """Yield all values of each block as whole numbers in their order, and D.

    The bits of positive floats are in order, those of negative ones in the opposite order.

    Raises:
        DataError: There are no features.
    """
    for block in data:
        if block.features is None:
            raise DataError(
                "expected features to fit on, got none: fit on the predictions of a classifier that "
                "has some"
            )
        # Adding 0 makes of -0 the 0 that it equals.
        bits = (block.features.float().numpy() + np.float32(0)).view(np.int32).astype(np.int64)
        keys = np.where(bits < 0, ~bits & 0xFFFFFFFF, bits | 1 << 31)
        yield keys.ravel(), block.features.shape[1]


def _value(key: int) -> float:
    """Return the float32 of a key, as a float."""
    bits = key & 0x7FFFFFFF if key >> 31 else ~key & 0xFFFFFFFF
    return float(np.array([bits], np.uint32).view(np.float32)[0])
