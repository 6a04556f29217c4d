"""Turn the bytes of one picture file into an array, or say why that cannot be done.

Rules, the same on every machine:

- The orientation that EXIF or XMP asks for is applied. Colour profiles (ICC) are ignored.
- Grey stays grey (`[H, W]`); palettes, CMYK and YCbCr become RGB. Animations give their
  first frame.
- 8 bits a channel give uint8. 16 bits a channel give float32 (value / 65535), so that no
  bits are lost; 16-bit colour is read from PNG only.
- Transparent pixels are laid on the stated background.
- A picture that is empty, damaged, cut off or over `MAX_PIXELS` is refused.
"""

from __future__ import annotations

import hashlib
import io
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
        if deep_colour and image.format != "PNG":
            raise Unreadable(
                "16-bit colour would lose half its bits; save it as PNG, or with 8 bits"
            )
        done = _deep_png(content, background) if deep_colour else _to_array(image, background)
    return _turn(done[0], orientation), done[1]


def _has_deep_colour(image: Image.Image) -> bool:
    """Say whether Pillow would keep only the high byte of each value."""
    modes = [str(tile.args) for tile in getattr(image, "tile", ())]
    return image.mode in ("RGB", "RGBA", "LA", "CMYK") and any(";16" in mode for mode in modes)


def _deep_png(content: bytes, background: Background) -> tuple[Array, bool]:
    """Decode 16-bit PNG colour, and grey with alpha, by torchvision, which keeps the bits."""
    import torch
    from torchvision.io import ImageReadMode, decode_png

    data = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    planes = decode_png(data, ImageReadMode.UNCHANGED).numpy()
    values = planes.transpose(1, 2, 0).astype(np.float32) / np.float32(65535)
    if values.shape[2] in (1, 3):
        return values.squeeze(), False
    colour, alpha = values[:, :, :-1], values[:, :, -1:]
    back = np.float32(background == "white")
    laid = np.where(alpha == 1, colour, colour * alpha + back * (1 - alpha))
    return (laid[:, :, 0] if laid.shape[2] == 1 else laid), bool((alpha < 1).any())


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
