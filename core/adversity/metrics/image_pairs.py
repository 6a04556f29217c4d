"""What of two images is compared: border, rounding, channels and range, in one place.

The order is that of the papers: the border is cut off, values are rounded, then channels are
weighed. So the luma of rounded images is not rounded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from adversity.errors import DataError
from adversity.metrics.predictions import whole_number
from adversity.shapes import scale_fault

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "CHANNEL_WORDS",
    "RANGE_WORDS",
    "ROUNDING_WORDS",
    "DataRange",
    "Rounding",
    "checked_pair",
    "compared",
    "crop_of",
    "one_of",
    "range_of",
]

Rounding = Literal["none", "uint8"]
DataRange = Literal["unit", "reference"]

ROUNDING_WORDS = {"none": "none", "uint8": "to 0..255, halves to even, before anything else"}
RANGE_WORDS = {
    "unit": 1.0,
    "reference": "max - min of the clean image as it is compared, over all channels",
}
CHANNEL_WORDS = {
    "luma": "luma of BT.601: (16 + 65.481 R + 128.553 G + 24.966 B) / 255; a grey image as it is",
    "grey": "grey of BT.601: 0.299 R + 0.587 G + 0.114 B; a grey image as it is",
}

_WEIGHTS = {"luma": (65.481, 128.553, 24.966), "grey": (0.299, 0.587, 0.114)}
_OFFSET = {"luma": 16.0, "grey": 0.0}
_SCALE = {"luma": 255.0, "grey": 1.0}


def one_of(value: object, words: object, name: str) -> None:
    """Refuse a word that names no way.

    Args:
        value: What was given.
        words: The `Literal` of what there is.
        name: Of the argument.

    Raises:
        DataError: With the words that there are.
    """
    if value not in get_args(words):
        raise DataError(f"expected {name} to be {' or '.join(get_args(words))}, got {value!r}")


def crop_of(crop: object) -> int:
    """Return how many pixels of each border are left out.

    Raises:
        DataError: It is no whole number, or below 0.
    """
    return whole_number(crop, "crop", low=0)


def checked_pair(images: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as float64, without their gradients.

    Raises:
        DataError: The shapes differ, they are no batch of images, or not in [0, 1].
    """
    import torch

    for given in (images, reference):
        if not isinstance(given, torch.Tensor):
            raise DataError(
                f"expected tensors [N, C, H, W], got {type(given).__name__}: use torch.from_numpy"
            )
    if images.shape != reference.shape or images.ndim != 4 or 0 in images.shape:
        raise DataError(
            f"expected two batches [N, C, H, W] of one shape, got {list(images.shape)} and "
            f"{list(reference.shape)}: crop or resize the reference first"
        )
    pair = images.detach().double(), reference.detach().double()
    for given, values in zip((images, reference), pair, strict=True):
        fault = scale_fault(values if given.is_floating_point() else given)
        if fault is not None:
            raise DataError(fault)
    return pair


def compared(images: Tensor, *, channels: str, rounding: Rounding, crop: int) -> Tensor:
    """Return what of the images is compared.

    Args:
        images: `[N, C, H, W]` float64 in [0, 1].
        channels: `luma` or `grey` weigh them; any other word leaves them as they are.
        rounding: Whether to round to the 256 values of a file.
        crop: How many pixels of each border to leave out.

    Returns:
        `[N, C, h, w]`, C = 1 where they were weighed.

    Raises:
        DataError: Nothing is left, or there are neither 1 nor 3 channels to weigh.
    """
    one_of(rounding, Rounding, "rounding")
    crop_of(crop)
    height, width = images.shape[2:]
    if min(height, width) <= 2 * crop:
        raise DataError(
            f"expected images of more than {2 * crop} pixels in height and width, of which crop "
            f"takes {crop} at each border, got {height} x {width}: use a smaller crop"
        )
    if crop:
        images = images[:, :, crop:-crop, crop:-crop]
    if rounding == "uint8":
        images = (images * 255).round() / 255
    return _weighed(images, channels) if channels in _WEIGHTS else images


def _weighed(images: Tensor, channels: str) -> Tensor:
    """Weigh red, green and blue; a sum in a fixed order, whose bits no batch changes."""
    count = images.shape[1]
    if count == 1:
        return images
    if count != 3:
        raise DataError(
            f"expected grey images or red, green and blue for channels={channels!r}, got {count} "
            "channels: take channels='mean'"
        )
    red, green, blue = _WEIGHTS[channels]
    total = images[:, :1] * red + images[:, 1:2] * green + images[:, 2:] * blue
    return (total + _OFFSET[channels]) / _SCALE[channels]


def range_of(reference: Tensor, data_range: DataRange) -> float | Tensor:
    """Return the range of values that an error is held against, a number for all or `[N, 1, 1, 1]`.

    Args:
        reference: The clean images as they are compared.
        data_range: `unit` for [0, 1], or each image's own.

    Raises:
        DataError: A clean image is flat, so that it has no range.
    """
    one_of(data_range, DataRange, "data_range")
    if data_range == "unit":
        return 1.0
    spread: Any = reference.amax(dim=(1, 2, 3), keepdim=True)
    spread = spread - reference.amin(dim=(1, 2, 3), keepdim=True)
    if not bool((spread > 0).all()):
        raise DataError(
            "expected clean images of two values or more for data_range 'reference', got one that "
            "is flat: its range is 0; take data_range 'unit'"
        )
    return spread  # type: ignore[no-any-return]
