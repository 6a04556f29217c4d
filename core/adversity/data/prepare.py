"""What is done to an image before anything else: resize, crop, grey to colour.

The convention of ImageNet evaluation: the shorter side to 256, then the central 224 x 224.
It is part of a data set's identity, because degrading before the resize is another
benchmark. The resize is Pillow's antialiased bicubic filter; where it overshoots, the value
saturates at black or white, for float images as for 8 bits. Sizes and offsets are rounded
as torchvision rounds them. What stays of an image stays of its clean reference, which may be
several times as large. A crop to a multiple keeps the top left corner, as is the custom where
images are enlarged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, ParameterError
from adversity.shapes import GREY_AND_COLOUR

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
        multiple_of: Rows and columns at the bottom and on the right are cut off until height and
            width are multiples of this, so that a size divided comes back when it is multiplied.
        channels: 3 repeats a grey image into three equal channels, for methods that take
            colour only; a colour image stays as it is.
    """

    resize_short: int | None = None
    centre_crop: int | None = None
    channels: int | None = None
    multiple_of: int | None = None

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Prepare:
        """Check what a pipeline file says under `prepare:`.

        Raises:
            ParameterError: If an option is unknown, not a size in pixels, or other channels
                than 3.
        """
        known = ("resize_short", "centre_crop", "multiple_of", "channels")
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
            ("multiple_of", self.multiple_of),
            ("channels", self.channels),
        )
        return {name: value for name, value in pairs if value is not None}

    def depth(self, channels: int, *, id: str) -> int:
        """Return the number of channels after the steps.

        Raises:
            DataError: If colour is to be made of what is neither grey nor colour.
        """
        if self.channels is None:
            return channels
        if channels not in GREY_AND_COLOUR:
            raise DataError(
                f"sample {id!r}: prepare: channels makes colour of grey images, and the image has "
                f"{channels} channels; leave it out"
            )
        return self.channels

    def size(
        self, height: int, width: int, *, id: str, of: tuple[int, int] | None = None
    ) -> tuple[int, int]:
        """Return (H, W) after the steps, without touching an image.

        Args:
            height: Before the steps.
            width: Before the steps.
            id: The sample's id, for messages.
            of: For a clean reference, (H, W) of its image: what is cut of both is the same part.

        Raises:
            DataError: If a crop is larger than the image, the resize makes too much of it, or a
                reference that is to be cut is not a whole number of times the image.
        """
        frame = self._frame(height, width, id, of)
        return frame.height, frame.width

    def apply(self, image: Array, *, id: str, of: tuple[int, int] | None = None) -> Array:
        """Return the prepared image.

        Args:
            image: `[H, W]` or `[H, W, C]`, uint8, or float32 in [0, 1].
            id: The sample's id, for messages.
            of: For a clean reference, (H, W) of its image.

        Raises:
            DataError: As `size`.
        """
        frame = self._frame(image.shape[0], image.shape[1], id, of)
        image = _resize(image, *frame.resized)
        image = image[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
        if self.channels is None or image.ndim == 3:
            return image
        return np.repeat(image[:, :, None], self.channels, axis=2)

    def _frame(self, height: int, width: int, id: str, of: tuple[int, int] | None) -> _Frame:
        """Return what becomes of an image, or of a reference: the same, so many times as large."""
        if self.resize_short is self.centre_crop is self.multiple_of is None:
            return _Frame((height, width), 0, 0, height, width)
        times, rest = (1, 0) if of is None else divmod(height, of[0])
        if of is not None and (rest or not times or width != times * of[1]):
            raise DataError(
                f"sample {id!r}: its clean reference has {height} x {width} pixels, the image "
                f"{of[0]} x {of[1]} (height x width), and prepare cuts the same part of both: "
                "expected a reference as large as the image, or 2, 3, ... times as large; crop the "
                "pairs beforehand, or leave resize_short, centre_crop and multiple_of out"
            )
        frame = self._cut(height, width, id) if of is None else self._cut(*of, id).times(times)
        if self.resize_short is not None and frame.resized[0] * frame.resized[1] > _MOST_PIXELS:
            raise DataError(
                f"sample {id!r}: resize_short {self.resize_short} makes {frame.resized[0]} x "
                f"{frame.resized[1]} of an image of {height} x {width} (height x width), more than "
                f"{_MOST_PIXELS} pixels; leave the image out, crop it, or choose a smaller resize"
            )
        return frame

    def _cut(self, height: int, width: int, id: str) -> _Frame:
        """Return the resize, the central square of it, and what of that is a whole multiple."""
        resized = rows, columns = self._resized(height, width)
        top = left = 0
        side = self.centre_crop
        if side is not None:
            if side > min(resized):
                raise DataError(
                    f"sample {id!r}: centre_crop {side} is larger than the image "
                    f"({rows} x {columns}, height x width); put resize_short: {side} or more before "
                    "it, or choose a smaller crop"
                )
            top, left = round((rows - side) / 2), round((columns - side) / 2)
            rows = columns = side
        if self.multiple_of is not None:
            rows, columns = rows - rows % self.multiple_of, columns - columns % self.multiple_of
            if not rows or not columns:
                raise DataError(
                    f"sample {id!r}: nothing is left of an image of {height} x {width} (height x "
                    f"width) when it is cropped to a multiple of {self.multiple_of}; choose a "
                    "smaller one, or leave the image out"
                )
        return _Frame(resized, top, left, rows, columns)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        short = self.resize_short
        if short is None:
            return height, width
        if height <= width:
            return short, int(short * width / height)
        return int(short * height / width), short


@dataclass(frozen=True, slots=True)
class _Frame:
    """The size an image is resized to, and the part of that which stays."""

    resized: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    def times(self, factor: int) -> _Frame:
        """Return the same part of an image that is so many times as large."""
        resized = self.resized[0] * factor, self.resized[1] * factor
        part = (self.top, self.left, self.height, self.width)
        return _Frame(resized, *(factor * value for value in part))


def _resize(image: Array, height: int, width: int) -> Array:
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    whole = image.ndim == 2 or (image.dtype == np.uint8 and image.shape[2] == 3)
    planes = [image] if whole else list(image.transpose(2, 0, 1))
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
