"""Where each pixel's value comes from after pixels were overwritten one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["shuffled_sources"]


def shuffled_sources(
    height: int, width: int, reach: int, rounds: Sequence[NDArray[Any]]
) -> NDArray[np.int64]:
    """Return `[H * W]` int64, the position in the first image that each value comes from.

    Pixels are visited from the last row and column but `reach` backwards, and each takes the
    value that another has at that moment. If the other was visited before, that value comes
    from elsewhere, and so on: a chain of visited pixels, each later in the image than the one
    before, whose end is a value that was never overwritten in time. All chains are followed at
    once; the number that goes on halves with each step.

    Args:
        height: H, of the image.
        width: W, of the image.
        reach: The width of the frame that stays, and how far a pixel looks.
        rounds: For each visit of all pixels, how many positions ahead each looks, rows times W
            and columns together, in the order of visits, `[n]` each.
    """
    import numpy as np

    shape = max(0, height - 2 * reach), max(0, width - 2 * reach)
    place, total = np.arange(height * width), None
    inside = (
        slice(reach + 1, reach + 1 + shape[0]) if shape[1] else slice(0),
        slice(reach + 1, reach + 1 + shape[1]),
    )
    moving = np.zeros(height * width, bool)
    moving.reshape(height, width)[inside] = True
    # `take` and `compress`: twice as fast as brackets.
    for ahead in rounds:
        looked = place.copy()
        looked.reshape(height, width)[inside] += ahead.reshape(shape)[::-1, ::-1]
        goes_on = moving.take(looked) & (looked > place)
        source = looked.copy()
        alive = np.flatnonzero(goes_on)
        before = looked.take(alive)
        while alive.size:
            further = goes_on.take(before)
            before = looked.take(before)
            source[alive] = before
            alive, before = alive.compress(further), before.compress(further)
        total = source if total is None else total.take(source)
    return place if total is None else total
