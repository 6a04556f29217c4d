"""The points of a curve that can be seen: those between two others on a straight line are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["rounded", "seen_points"]

_DIGITS = 5
_NEAR = 1 / 1000
"""Less than half a pixel of a chart, as a share of its height."""


def seen_points(x: Sequence[float], y: Sequence[float], *, height: float) -> list[int]:
    """Return which points of a curve are drawn, so that the line stays where it is.

    Args:
        x: Rising, `[N]`.
        y: `[N]`.
        height: What the axis of y spans; 0 where the curve is flat.

    Returns:
        Places, rising, with the first and the last; the line through them passes each other point
        at most a thousandth of the height above or below.

    Reference: Douglas, Peucker, Algorithms for the reduction of the number of points, 1973; by the
        distance along y, since x is not in its unit.

    Example:
        >>> seen_points([0, 1, 2, 3], [0.0, 0.5, 1.0, 1.0], height=1.0)
        [0, 2, 3]
    """
    places, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    kept, open_ = {0, len(places) - 1}, [(0, len(places) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        ends = [first, last]
        away = np.abs(values[inner] - np.interp(places[inner], places[ends], values[ends]))
        furthest = int(away.argmax())
        if away[furthest] > _NEAR * height:
            at = first + 1 + furthest
            kept.add(at)
            open_ += [(first, at), (at, last)]
    return sorted(kept)


def rounded(value: float) -> float:
    """Return a number with five digits: of 440 pixels no more can be seen."""
    return float(f"{value:.{_DIGITS}g}")
