"""What is done to an image before anything else: resize, crop the centre, grey to colour.

The convention of ImageNet evaluation: the shorter side to 256, then the central 224 x 224.
It is part of a data set's identity, because degrading before the resize is another
benchmark. The resize is Pillow's antialiased bicubic filter; where it overshoots, the value
saturates at black or white, for float images as for 8 bits. Sizes and offsets are rounded
as torchvision rounds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Prepare"]

Array = np.ndarray[Any, Any]
_LARGEST = 16_384
_MOST_PIXELS = 89_478_485
"""Of an image after the resize: 1 GiB as float32 colour. A strip of 1 x 60 000 pixels, a few
hundred bytes on disk, would become 3.9 thousand million."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """The steps, in this order; None leaves a step out.

    Attributes:
        resize_short: The shorter side becomes this many pixels, the aspect ratio is kept.
        centre_crop: The central square of this many pixels is kept.
        channels: 3 repeats a grey image into three equal channels, for methods that take
            colour only; a colour image stays as it is.
    """

    resize_short: int | None = None
    centre_crop: int | None = None
    channels: int | None = None

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Prepare:
        """Check what a pipeline file says under `prepare:`.

        Raises:
            ParameterError: If an option is unknown, not a size in pixels, or other channels
                than 3.
        """
        known = ("resize_short", "centre_crop", "channels")
        for name, value in options.items():
            if name not in known:
                raise ParameterError(
                    f"prepare takes {', '.join(known)}, got {name!r}; "
                    + did_you_mean(name, known, "take one of them")
                )
            if name == "channels":
                if type(value) is not int or value != 3:
                    raise ParameterError(
                        f"prepare: channels must be 3 (grey images become colour), got {value!r}"
                    )
                continue
            if type(value) is not int or not 1 <= value <= _LARGEST:
                raise ParameterError(
                    f"prepare: {name} must be a whole number of pixels from 1 to {_LARGEST}, "
                    f"got {value!r}"
                )
        return cls(**options)

    @property
    def options(self) -> dict[str, int]:
        """The steps as a pipeline file writes them."""
        pairs = (
            ("resize_short", self.resize_short),
            ("centre_crop", self.centre_crop),
            ("channels", self.channels),
        )
        return {name: value for name, value in pairs if value is not None}

    def depth(self, channels: int) -> int:
        """Return the number of channels after the steps."""
        return channels if self.channels is None else self.channels

    def size(self, height: int, width: int, *, id: str) -> tuple[int, int]:
        """Return (H, W) after the steps, without touching an image.

        Raises:
            DataError: If the crop is larger than the image, or the resize makes too much of it.
        """
        was = f"{height} x {width}"
        height, width = self._resized(height, width)
        if self.resize_short is not None and height * width > _MOST_PIXELS:
            raise DataError(
                f"sample {id!r}: resize_short {self.resize_short} makes {height} x {width} of an "
                f"image of {was} (height x width), more than {_MOST_PIXELS} pixels; leave the "
                "image out, crop it, or choose a smaller resize"
            )
        side = self.centre_crop
        if side is None:
            return height, width
        if side > min(height, width):
            raise DataError(
                f"sample {id!r}: centre_crop {side} is larger than the image "
                f"({height} x {width}, height x width); put resize_short: {side} or more before "
                "it, or choose a smaller crop"
            )
        return side, side

    def apply(self, image: Array, *, id: str) -> Array:
        """Return the prepared image.

        Args:
            image: `[H, W]` or `[H, W, 3]`, uint8, or float32 in [0, 1].
            id: The sample's id, for messages.

        Raises:
            DataError: If the crop is larger than the image.
        """
        height, width = self.size(*image.shape[:2], id=id)
        image = _resize(image, *self._resized(*image.shape[:2]))
        top = round((image.shape[0] - height) / 2)
        left = round((image.shape[1] - width) / 2)
        image = image[top : top + height, left : left + width]
        if self.channels is None or image.ndim == 3:
            return image
        return np.repeat(image[:, :, None], self.channels, axis=2)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        short = self.resize_short
        if short is None:
            return height, width
        if height <= width:
            return short, int(short * width / height)
        return int(short * height / width), short


def _resize(image: Array, height: int, width: int) -> Array:
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    planes = (
        [image] if image.ndim == 2 or image.dtype == np.uint8 else list(image.transpose(2, 0, 1))
    )
    size = (width, height)
    done = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BICUBIC)
        )
        for plane in planes
    ]
    if image.dtype != np.uint8:
        done = [np.clip(plane, 0.0, 1.0) for plane in done]
    return done[0] if len(done) == 1 else np.stack(done, axis=-1)
