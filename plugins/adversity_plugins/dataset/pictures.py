"""Turn the bytes of one picture file into an array, or say why that cannot be done.

Rules, the same on every machine:

- The orientation that EXIF or XMP asks for is applied. Colour profiles (ICC) are ignored.
- Grey stays grey (`[H, W]`); palettes, CMYK and YCbCr become RGB. Animations give their
  first frame.
- 8 bits a channel give uint8. 16 bits a channel give float32 (value / 65535), so that no
  bits are lost.
- Transparent pixels are laid on the stated background.
- A picture that is empty, damaged, cut off or over `MAX_PIXELS` is refused.
"""

from __future__ import annotations

import hashlib
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

__all__ = ["MAX_PIXELS", "PICTURE_SUFFIXES", "Background", "Picture", "Unreadable", "read"]

Array = np.ndarray[Any, Any]
Background = Literal["white", "black"]

MAX_PIXELS = 89_478_485
"""A quarter of a gigabyte as RGB: larger pictures are taken for decompression bombs."""

_FORMATS = {
    "JPEG": ".jpg .jpeg .jpe .jfif",
    "MPO": ".mpo",  # what some phones and cameras write under the name .jpg
    "PNG": ".png .apng",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "BMP": ".bmp .dib",
    "TIFF": ".tif .tiff",
    "GIF": ".gif",
    "PPM": ".ppm .pgm .pbm .pnm",
    "JPEG2000": ".jp2 .j2k",
}
_NOT_READ = ".heic .heif .jxl .svg .psd .exr .hdr .dng .cr2 .cr3 .nef .arw .raw .ico .tga .eps"
PICTURE_SUFFIXES = frozenset(" ".join([*_FORMATS.values(), _NOT_READ]).split())
"""Files that claim to be pictures; those in a format that is not read are quarantined."""

_GREY = ("1", "L", "LA", "La")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")


class Unreadable(Exception):  # noqa: N818  (a reason, not a failure of the program)
    """Why a file is not used; the text holds no path, so reports are equal everywhere."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: `[H, W]` or `[H, W, 3]`, uint8, or float32 in [0, 1].
        sha256: Of the file's bytes.
        transparent: Whether pixels were laid on the background.
    """

    pixels: Array
    sha256: str
    transparent: bool


def read(path: Path, background: Background = "white") -> Picture:
    """Read a picture file once and decode it whole.

    Raises:
        Unreadable: If it cannot be decoded to the last pixel.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"the file cannot be read ({error.strerror})") from error
    if not content:
        raise Unreadable("the file is empty")
    if path.suffix.lower() in _NOT_READ.split():
        raise Unreadable(f"the format {path.suffix.lower()} is not read; convert it to PNG or JPEG")
    try:
        pixels, transparent = _decode(content, background)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    return Picture(np.ascontiguousarray(pixels), hashlib.sha256(content).hexdigest(), transparent)


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):  # its own text holds a memory address
        return "not a picture in a format we read, or its header is damaged"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {MAX_PIXELS} pixels; scale it down"
    return f"damaged: {error}" if str(error) else f"damaged: {type(error).__name__}"


def _decode(content: bytes, background: Background) -> tuple[Array, bool]:
    from PIL import Image

    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]  # AVIF is optional in Pillow
    with Image.open(io.BytesIO(content), formats=formats) as image:
        if image.width * image.height > MAX_PIXELS:
            raise Unreadable(f"more than {MAX_PIXELS} pixels; scale it down")
        deep_colour = _has_deep_colour(image)
        image.load()
        # Only now: Pillow turns a TIFF while loading, and a PNG may have its EXIF at the end.
        orientation = int(image.getexif().get(0x0112, 1))
        if deep_colour:
            done = _deep_colour(image, content, background)
        else:
            done = _to_array(image, background)
    return _turn(done[0], orientation), done[1]


def _has_deep_colour(image: Image.Image) -> bool:
    """Say whether Pillow would keep only the high byte of each value."""
    modes = [str(tile.args) for tile in getattr(image, "tile", ())]
    return not image.mode.startswith("I") and any(";16" in mode for mode in modes)


def _deep_colour(image: Image.Image, content: bytes, background: Background) -> tuple[Array, bool]:
    """Join the high bytes, which Pillow gives, with the low bytes.

    Pillow has no 16-bit colour: of each value it takes the high byte. Told that the bytes
    stand in the other order, it takes the low one.
    """
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=[str(image.format)]) as other:
        other.tile = [tile._replace(args=_swapped(tile.args)) for tile in other.tile]
        try:
            other.load()
        except ValueError as error:  # no such order for this layout
            raise Unreadable("this layout with 16 bits is not read; save it as RGB") from error
        if other.mode not in ("RGB", "RGBA") or "transparency" in other.info:
            raise Unreadable("this layout with 16 bits is not read; save it as RGB")
        low = np.asarray(other).astype(np.float32)
    values = (np.asarray(image).astype(np.float32) * np.float32(256) + low) / np.float32(65535)
    if values.shape[2] == 3:
        return values, False
    colour, alpha = values[:, :, :3], values[:, :, 3:]
    back = np.float32(background == "white")
    laid = np.where(alpha == 1, colour, colour * alpha + back * (1 - alpha))
    return laid, bool((alpha < 1).any())


def _swapped(arguments: Any) -> Any:
    """Return a decoder's arguments with the other order of bytes."""
    if isinstance(arguments, tuple):
        return (_swapped(arguments[0]), *arguments[1:])
    other = {
        ";16B": ";16L",
        ";16L": ";16B",
        ";16N": ";16B" if sys.byteorder == "little" else ";16L",
    }
    return next((arguments.replace(k, v) for k, v in other.items() if k in arguments), arguments)


def _turn(pixels: Array, orientation: int) -> Array:
    """Apply an orientation of EXIF (tag 274 of TIFF 6.0) to rows and columns."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _to_array(image: Image.Image, background: Background) -> tuple[Array, bool]:
    if image.mode.startswith("I"):
        return _deep_grey(image), False
    if image.mode == "F":
        return _float_grey(image), False
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        return _lay_on(image, background)
    return np.asarray(image.convert("L" if image.mode in _GREY else "RGB")), False


def _deep_grey(image: Image.Image) -> Array:
    values = np.asarray(image).astype(np.int64)
    sixteen = image.mode.startswith("I;16") or image.format in ("PNG", "PPM")
    if not sixteen:
        raise Unreadable("32-bit integers have no known white; save it with 8 or 16 bits")
    return (values.astype(np.float32) / np.float32(65535)).astype(np.float32)


def _float_grey(image: Image.Image) -> Array:
    values = np.asarray(image, dtype=np.float32)
    if not (float(values.min()) >= 0.0 and float(values.max()) <= 1.0):
        raise Unreadable(
            f"floating-point values must lie in [0, 1], got {values.min():g} .. {values.max():g}"
        )
    return values


def _lay_on(image: Image.Image, background: Background) -> tuple[Array, bool]:
    from PIL import Image

    grey = image.mode in _GREY
    layered = image.convert("RGBA")
    see_through = int(np.asarray(layered)[:, :, 3].min()) < 255
    laid = layered.convert("RGB")
    if see_through:
        back = Image.new("RGBA", layered.size, background)
        laid = Image.alpha_composite(back, layered).convert("RGB")
    pixels = np.asarray(laid)
    return (pixels[:, :, 0] if grey else pixels), see_through
