"""Which pixels are known, from a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["known_pixels"]


def known_pixels(mask: Tensor) -> Tensor:
    """Return the mask `[N, 1, H, W]` as bool, True where the image is known.

    Raises:
        ValueError: If a value is neither 0 nor 1, or an image has no known pixel.
    """
    known = mask == 1
    other = mask[~known & (mask != 0)]
    if len(other):
        raise ValueError(
            f"expected a mask of 0 (missing) and 1 (known), got {float(other[0]):.4g}; decide for "
            "each pixel which it is, for example mask > 0.5"
        )
    if not bool(known.flatten(1).any(1).all()):
        raise ValueError(
            "expected a mask with a known pixel in each image, got one that is 0 everywhere; "
            "there is nothing to fill it from"
        )
    return known
