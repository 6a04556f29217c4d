"""Cut-out objects on backgrounds: the object's own size and place, and nothing else, is decided here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity.project import read_regular
from adversity_plugins.dataset._read_images import decode

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

__all__ = ["plain", "read_background", "read_cut_out", "shrunk", "with_background"]

Array = np.ndarray[Any, Any]
_LARGEST = 2**24
"""Pixels that a cut-out may have; the largest stamp has a million."""
_VISIBLE = 8
"""Alpha above which a pixel belongs to the object, of 255: below are traces of the cutting."""


def read_cut_out(path: Path, name: str) -> Array:
    """Read a PNG with alpha, and cut away what is empty around the object.

    Args:
        path: The file.
        name: What messages call it.

    Returns:
        `[H, W, 4]` uint8, red, green, blue and alpha, not multiplied.

    Raises:
        DataError: If it is no such file, or empty.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(read_regular(path)), formats=["PNG"]) as image:
            if image.width * image.height > _LARGEST:
                raise DataError(f"{name}: expected at most {_LARGEST} pixels, got {image.size}")
            pixels = np.array(image.convert("RGBA"))
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{name}: expected a whole PNG, got one that is not ({error})") from error
    rows, columns = np.nonzero(pixels[:, :, 3] > _VISIBLE)
    if not len(rows):
        raise DataError(f"{name}: expected an object, got a transparent image; unpack it again")
    return pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def shrunk(cut_out: Array, size: int, share: float) -> tuple[Array, Array]:
    """Bring an object to a square, in the middle, its longer side a share of the square's.

    Colours are multiplied by alpha first, so that what is hidden under transparency does not
    bleed in at the edges (Porter and Duff, "Compositing digital images", 1984).

    Args:
        cut_out: `[H, W, 4]` uint8.
        size: Of the square, in pixels.
        share: In (0, 1].

    Returns:
        Colours times alpha, `[size, size, 3]` float32 in [0, 1], and alpha `[size, size]`.
    """
    from PIL import Image

    longer = max(cut_out.shape[:2])
    height, width = (max(1, round(share * size * side / longer)) for side in cut_out.shape[:2])
    values = cut_out.astype(np.float32) / 255
    values[:, :, :3] *= values[:, :, 3:]
    planes = [
        np.asarray(_resized(Image.fromarray(values[:, :, k]), width, height)) for k in range(4)
    ]
    top, left = (size - height) // 2, (size - width) // 2
    placed = np.zeros((size, size, 4), np.float32)
    placed[top : top + height, left : left + width] = np.clip(np.stack(planes, axis=2), 0, 1)
    alpha = placed[:, :, 3]
    return np.minimum(placed[:, :, :3], alpha[:, :, None]), alpha


def _resized(plane: Image, width: int, height: int) -> Image:
    """Average over areas when it gets smaller, interpolate linearly when it gets larger."""
    from PIL import Image

    smaller = width <= plane.width
    return plane.resize(
        (width, height), Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
    )


def read_background(path: Path, name: str, size: int) -> Array:
    """Return the middle of a photograph as a square, `[size, size, 3]` float32 in [0, 1].

    Raises:
        DataError: If it cannot be decoded.
    """
    from PIL import Image

    try:
        pixels = decode.read(path).pixels
    except decode.Unreadable as reason:
        raise DataError(f"{name}: {reason}") from reason
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = pixels[top : top + side, left : left + side]
    if square.ndim == 2:
        square = np.repeat(square[:, :, None], 3, axis=2)
    values = square.astype(np.float32) / (255 if square.dtype == np.uint8 else 1)
    planes = [
        np.asarray(_resized(Image.fromarray(np.ascontiguousarray(values[:, :, k])), size, size))
        for k in range(3)
    ]
    square_of_size: Array = np.clip(np.stack(planes, axis=2), 0, 1)
    return square_of_size


def plain(name: str, size: int) -> Array:
    """Return a background that needs no file: `white`, `grey`, `black` or `noise`.

    The noise is 8-bit and uniform, each value by itself, the same behind every object.
    """
    if name == "noise":
        draws = np.random.default_rng(0).integers(0, 256, (size, size, 3))
        return (draws / 255).astype(np.float32)
    level = {"white": 1.0, "grey": 0.5, "black": 0.0}[name]
    return np.full((size, size, 3), level, np.float32)


def with_background(colours: Array, alpha: Array, background: Array) -> Array:
    """Lay an object on a background, `[H, W, 3]` uint8.

    Args:
        colours: `[H, W, 3]`, times alpha.
        alpha: `[H, W]`.
        background: `[H, W, 3]`.
    """
    values = colours + (1 - alpha[:, :, None]) * background
    image: Array = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return image
