"""What a grey image shows of a coloured one: the luma of BT.601, as in OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["WEIGHTS", "in_channels", "luma", "luma_values"]

WEIGHTS = (0.299, 0.587, 0.114)


def luma(images: Tensor) -> Tensor:
    """Return `[N, 1, H, W]` of `[N, 1 or 3, H, W]`."""
    if images.shape[1] == 1:
        return images
    red, green, blue = (images[:, k : k + 1] * WEIGHTS[k] for k in range(3))
    return red + green + blue


def luma_values(values: NDArray[Any]) -> NDArray[Any]:
    """Return `[H, W, 1]` of `[H, W, 1 or 3]` float32: green, then red and blue added unrounded.

    OpenCV multiplies and adds in one step on processors that can, which all of the last decade
    do; where values lie on a grey level, that last bit decides which.
    """
    import numpy as np

    if values.shape[2] == 1:
        return values
    red, green, blue = (np.float32(weight) for weight in WEIGHTS)
    total = values[:, :, 1:2] * green
    for k, weight in ((0, red), (2, blue)):
        exact = values[:, :, k : k + 1].astype(np.float64) * np.float64(weight)
        total = (exact + total).astype(np.float32)
    return total


def in_channels(colour: Sequence[float], channels: int) -> list[float]:
    """Return a colour for an image of one or three channels."""
    if channels == 3:
        return list(colour)
    return [sum(weight * value for weight, value in zip(WEIGHTS, colour, strict=True))]
