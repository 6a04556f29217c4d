"""How large display copies may be for all of them to fit into a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["largest_that_fits"]

Made = TypeVar("Made")

_SPARED = 0.9
"""A copy half as long takes a quarter of the bytes, and hardly less than nine tenths of that."""


def largest_that_fits(
    sizes: Sequence[int], room: int, make: Callable[[int], Made], weigh: Callable[[Made], int]
) -> tuple[Made, int]:
    """Return what fits at the largest size, else what is made at the smallest, and that size.

    To encode images is dear: a size is left out where those before it say that it cannot fit.

    Args:
        sizes: From the largest down, in pixels.
        room: Bytes there are.
        make: Encodes everything at a size.
        weigh: Returns the bytes of what was made.
    """
    *larger, smallest = sizes
    least = 0.0
    for size in larger:
        if least * size**2 <= room:
            made = make(size)
            weight = weigh(made)
            if weight <= room:
                return made, size
            least = _SPARED * weight / size**2
    return make(smallest), smallest
