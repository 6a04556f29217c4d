"""The images of samples as arrays: what a data set may give, checked, and in tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import PluginError
from adversity.shapes import GREY_AND_COLOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Array", "checked", "shape_of", "shapes_in_words", "stacked"]

Array = np.ndarray[Any, Any]


def checked(image: object, where: str, channels: Sequence[int] | None = GREY_AND_COLOUR) -> Array:
    """Return `[H, W]` or `[H, W, C]`, uint8 or float32 in [0, 1].

    Args:
        image: As a data set gives it; one channel may be an axis.
        where: Data set and sample, for the message.
        channels: The C that the data set claims (`image_channels`), or None for any.

    Raises:
        PluginError: If it is anything else.
    """
    if not isinstance(image, np.ndarray):
        raise PluginError(f"{where}: expected a NumPy array, got {type(image).__name__}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if 0 in image.shape or image.ndim not in (2, 3) or not _claimed(shape_of(image)[2], channels):
        raise PluginError(
            f"{where}: expected shape {shapes_in_words(channels)}, got {list(image.shape)}"
        )
    if channels is None and image.ndim == 3 and image.shape[2] > 3 >= image.shape[0]:
        raise PluginError(
            f"{where}: expected shape {shapes_in_words(channels)}, got {list(image.shape)}; write "
            "image.transpose(1, 2, 0) if the channels come first, and claim how many there are "
            "(image_channels) if the image is so low"
        )
    if image.dtype == np.float32:
        low, high = float(image.min()), float(image.max())
        if not 0.0 <= low <= high <= 1.0:  # NaN fails too
            raise PluginError(f"{where}: expected float values in [0, 1], got {low} .. {high}")
    elif image.dtype != np.uint8:
        raise PluginError(f"{where}: expected uint8 or float32, got {image.dtype}")
    return image


def _claimed(count: int, channels: Sequence[int] | None) -> bool:
    return channels is None or count in channels


def shapes_in_words(channels: Sequence[int] | None) -> str:
    """Say which shapes an image with so many channels may have: `[H, W] or [H, W, 3]`."""
    if channels is None:
        return "[H, W] or [H, W, C]"
    return " or ".join("[H, W]" if count == 1 else f"[H, W, {count}]" for count in channels)


def shape_of(image: Array) -> tuple[int, int, int]:
    """Return (H, W, C) of an image that was checked."""
    return (image.shape[0], image.shape[1], 1 if image.ndim == 2 else int(image.shape[2]))


def stacked(planes: Sequence[Array]) -> Tensor:
    """Return `[N, C, H, W]` float32 in [0, 1] of images `[C, H, W]`; uint8 divided by 255."""
    import torch

    scaled = [p.astype(np.float32) / np.float32(255) if p.dtype == np.uint8 else p for p in planes]
    return torch.from_numpy(np.stack(scaled))
