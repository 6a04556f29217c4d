"""Windows around pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._mirror import mirrored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def require_odd(name: str, value: int) -> int:
    """Return the side of a window.

    Raises:
        ValueError: If it is even: a window needs a centre.
    """
    if value % 2 == 0:
        raise ValueError(f"{name} must be odd, got {value}; try {value + 1}")
    return value


def neighbours(image: Tensor, size: int) -> Iterator[tuple[int, int, Tensor]]:
    """Yield the image moved to each place of a window, `(down, right, [C, H, W])`.

    Args:
        image: `[C, H, W]`, mirrored beyond its border.
        size: Side of the window, odd.
    """
    reach = size // 2
    height, width = image.shape[1:]
    wide = mirrored(image, reach, reach)
    for down in range(size):
        for right in range(size):
            yield (
                down - reach,
                right - reach,
                wide[:, down : down + height, right : right + width],
            )
