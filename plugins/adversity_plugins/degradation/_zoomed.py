"""The middle of an image, enlarged to its full size."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["middle_side", "zoomed", "zoomed_pixels", "zoomed_rows"]


def middle_side(side: int, factor: float) -> int:
    """Return how many pixels of a side are enlarged: the side by the factor, rounded up."""
    return math.ceil(side / factor)


def _trimmed(side: int, grown: int) -> int:
    """Return where the middle `side` pixels of what has grown begin."""
    return (grown - side) // 2


def _grown(middle: int, factor: float) -> int:
    return round(middle * factor)


def zoomed(middle: Tensor, factor: float, height: int, width: int) -> Tensor:
    """Enlarge `[N, C, h, w]` bilinearly, corner pixel onto corner pixel, and trim it.

    Args:
        middle: The part that is enlarged, of `middle_side` rows and columns.
        factor: How far.
        height: Of the result.
        width: Of the result.
    """
    from torch.nn import functional

    size = [_grown(side, factor) for side in middle.shape[2:]]
    grown = functional.interpolate(middle, size=size, mode="bilinear", align_corners=True)
    top, left = _trimmed(height, size[0]), _trimmed(width, size[1])
    return grown[:, :, top : top + height, left : left + width]


def zoomed_rows(images: Tensor, factor: float) -> Tensor:
    """Enlarge the middle rows of `[N, C, H, W]` to H as `zoomed` does, columns left alone."""
    first, second, share = _between(images.shape[2], factor)
    rows = images.index_select(2, first.to(images.device))
    others = images.index_select(2, second.to(images.device))
    return rows.lerp_(others, share.to(images).view(-1, 1))


@lru_cache(maxsize=128)
def _between(side: int, factor: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two rows that each of `side` rows lies between, and the second one's share."""
    import torch

    middle = middle_side(side, factor)
    grown = _grown(middle, factor)
    at = torch.arange(side, dtype=torch.float64) + _trimmed(side, grown)
    at *= (middle - 1) / max(1, grown - 1)
    first = at.floor().clamp_(max=middle - 1)
    second = (first + 1).clamp_(max=middle - 1)
    top = (side - middle) // 2
    return top + first.long(), top + second.long(), at - first


def zoomed_pixels(values: NDArray[Any], factor: float, *, trim: bool = True) -> NDArray[Any]:
    """Cut out the middle of `[H, W, C]`, enlarge it as `scipy.ndimage.zoom` does, and trim it.

    Args:
        values: The image.
        factor: How far.
        trim: Whether rows and columns too many, one of each at most, are taken away.
    """
    from scipy.ndimage import zoom

    height, width = values.shape[:2]
    rows, columns = middle_side(height, factor), middle_side(width, factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = values[top : top + rows, left : left + columns]
    grown: NDArray[Any] = zoom(middle, (factor, factor, 1), order=1)
    if not trim:
        return grown
    top, left = _trimmed(height, grown.shape[0]), _trimmed(width, grown.shape[1])
    return grown[top : top + height, left : left + width]
