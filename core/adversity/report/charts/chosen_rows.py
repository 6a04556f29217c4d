"""Which rows one chart shows where there are more than a reader can look through."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.decided import Estimates, SetSizes

__all__ = ["ends_of", "of_each_step"]

_Decided = TypeVar("_Decided", "SetSizes", "Estimates")


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


def of_each_step(items: Sequence[_Decided], most: int) -> list[_Decided]:
    """Return the last cell of each step, and first ones as long as there is room; in their order."""
    ends = {item.step: at for at, item in enumerate(items)}
    last: list[int] = list(ends.values())
    first: list[int] = [at for at in range(len(items)) if at not in last]
    return [items[at] for at in sorted([*last, *first][:most])]
