"""Which rows one chart shows where there are more than a reader can look through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ends_of"]


def ends_of(values: Sequence[float], most: int, *, first: bool = False) -> list[int]:
    """Return the places of the smallest and the largest values, as many of either, in their order.

    Args:
        values: Of all rows.
        most: So many places at most; the odd one is for a small value.
        first: The first one is taken in any case: others are compared with it.

    Example:
        >>> ends_of([3.0, 9.0, 1.0, 5.0, 7.0], 2), ends_of([3.0, 9.0, 1.0, 5.0, 7.0], 3, first=True)
        ([1, 2], [0, 1, 2])
    """
    if len(values) <= most:
        return [*range(len(values))]
    start = 1 if first else 0
    ranked = sorted(range(start, len(values)), key=values.__getitem__)
    small, large = -(-(most - start) // 2), (most - start) // 2
    return sorted([*range(start), *ranked[:small], *ranked[len(ranked) - large :]])
