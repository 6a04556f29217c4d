"""Turn the bytes of one image file into an array, or say why that cannot be done.

Rules, the same on every machine and for every format:

- The content decides what a file is, not its name. Of several frames or pages, the first counts.
- The orientation that EXIF or XMP states is applied; one that the standard does not know is
  ignored, and that is said. Colour profiles (ICC), gamma and resolution are ignored.
- Grey stays grey (`[H, W]`); palettes, CMYK and YCbCr become RGB. Of CMYK, red is
  `(255 - C) (255 - K) / 255`, and so on.
- Up to 8 bits a value give uint8, white being 255. More bits give float32, white being 1, so
  that none is lost. Floating-point values must lie in [0, 1]. Entries of a palette count as
  8 bits.
- Transparent pixels, and those of a canvas that the first frame leaves free, are laid on the
  stated background. Extra samples that are no alpha are left out.
- An image that is empty, damaged, cut off, or in a layout that would come out wrong is refused,
  and so is one whose decoding would take more than `MAX_HELD` bytes.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.project import read_regular
from adversity_plugins.dataset._read_images import netpbm
from adversity_plugins.dataset._read_images.layouts import (
    Layout,
    Unreadable,
    avif,
    bmp,
    gif,
    jpeg,
    jpeg2000,
    webp,
)
from adversity_plugins.dataset._read_images.png_layout import png
from adversity_plugins.dataset._read_images.tiff_layout import tiff
from adversity_plugins.dataset._read_images.to_array import to_array

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["IMAGE_SUFFIXES", "MAX_HELD", "Background", "DecodedImage", "Unreadable", "read"]

Array = np.ndarray[Any, Any]
Background = Literal["white", "black"]

MAX_HELD = 2**30
"""Bytes that may be held at once while an image is decoded; what needs more is taken for a
decompression bomb. That is 89 million pixels of 8 bits without transparency, and half as many
of 16 bits or with alpha."""
_HELD, _HELD_DEEP, _HELD_FLOATS = 12, 24, 36
"""Bytes a pixel that are held at once beside the file, measured (`test_image_bounds.py`)."""

_FORMATS = {
    "JPEG": ".jpg .jpeg .jpe .jfif",
    "MPO": ".mpo",  # what some phones and cameras write under the name .jpg
    "PNG": ".png .apng",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "BMP": ".bmp .dib",
    "TIFF": ".tif .tiff",
    "GIF": ".gif",
    "JPEG2000": ".jp2 .j2k",
}
_NETPBM = ".ppm .pgm .pbm .pnm"
_NOT_READ = (
    ".heic .heif .jxl .svg .psd .exr .hdr .dng .cr2 .cr3 .nef .arw .raw .ico .tga .eps .pam .pfm"
)
IMAGE_SUFFIXES = frozenset(" ".join([*_FORMATS.values(), _NETPBM, _NOT_READ]).split())
"""Files that claim to be images; those in a format that is not read are quarantined."""

_LAYOUTS = {
    "JPEG": jpeg,
    "PNG": png,
    "WEBP": webp,
    "AVIF": avif,
    "BMP": bmp,
    "TIFF": tiff,
    "GIF": gif,
    "JPEG2000": jpeg2000,
}


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: `[H, W]` or `[H, W, 3]`, uint8, or float32 in [0, 1].
        sha256: Of the file's bytes.
        transparent: Whether pixels were laid on the background.
        remarks: What in the file was ignored because it is odd.
    """

    pixels: Array
    sha256: str
    transparent: bool
    remarks: tuple[str, ...] = ()


def read(path: Path, background: Background = "white") -> DecodedImage:
    """Read an image file once and decode it whole.

    Raises:
        Unreadable: If it cannot be decoded to the last pixel.
    """
    try:
        if path.stat().st_size > MAX_HELD:
            raise Unreadable(f"the file is larger than {MAX_HELD / 2**30:g} GiB; scale it down")
        content = read_regular(path)
    except OSError as error:
        raise Unreadable(f"the file cannot be read ({error.strerror})") from error
    if not content:
        raise Unreadable("the file is empty")
    try:
        pixels, transparent, remarks = _decode(content, background, path.suffix.lower())
        pixels = np.ascontiguousarray(pixels)
    except Unreadable:
        raise
    except MemoryError as error:
        raise Unreadable("too little memory is free to decode it; scale it down") from error
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    return DecodedImage(pixels, hashlib.sha256(content).hexdigest(), transparent, remarks)


def _reason(error: Exception) -> str:
    from PIL import Image

    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return _too_large()
    return f"damaged, or of a kind not read: {str(error) or type(error).__name__}"


def _too_large() -> str:
    return f"decoding it would take more than {MAX_HELD / 2**30:g} GiB of memory; scale it down"


def _require_room(content: bytes, width: int, height: int, held: int) -> None:
    if width * height * held + len(content) > MAX_HELD:
        raise Unreadable(_too_large())


def _decode(
    content: bytes, background: Background, suffix: str
) -> tuple[Array, bool, tuple[str, ...]]:
    if netpbm.is_netpbm(content):
        return netpbm.decode(content, partial(_require_room, content)), False, ()
    kind = _kind(content)
    # Raw photos begin like TIFF, and HEIC like AVIF; a JPEG that is called .heic is a JPEG.
    if suffix in _NOT_READ.split() and kind in ("", "TIFF", "AVIF"):
        raise Unreadable(f"the format {suffix} is not read; convert it to PNG or JPEG")
    if not kind:
        raise Unreadable("not an image in a format that is read")
    layout = _LAYOUTS[kind](content)
    # Before Pillow claims memory, or warns.
    _require_room(content, *layout.size, _HELD if layout.floats is None else _HELD_FLOATS)
    if layout.floats is not None:
        return layout.floats.read(content), False, ()
    with _open(layout, kind) as image:
        _require_room(content, *image.size, _held(image, layout))
        odd = getattr(image, "tag_v2", {}).get(274)  # Pillow deletes it while loading
        pixels, transparent = to_array(image, layout, background)
        # Only now: Pillow turns a TIFF while loading, and a PNG may have its EXIF at the end.
        orientation, remarks = _orientation(image, odd)
    return _turn(pixels, orientation), transparent, layout.remarks + remarks


def _kind(content: bytes) -> str:
    """Name the format by the file's first bytes; empty if it is none that is read."""
    marks = {
        "JPEG": content[:3] == b"\xff\xd8\xff",
        "PNG": content[:8] == b"\x89PNG\r\n\x1a\n",
        "WEBP": content[:4] == b"RIFF" and content[8:12] == b"WEBP",
        "AVIF": content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis", b"mif1", b"msf1"),
        "BMP": content[:2] == b"BM",
        "TIFF": content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        "GIF": content[:6] in (b"GIF87a", b"GIF89a"),
        "JPEG2000": content[:4] == b"\xff\x4f\xff\x51" or content[4:12] == b"jP  \r\n\x87\n",
    }
    return next((kind for kind, here in marks.items() if here), "")


def _open(layout: Layout, kind: str) -> ImageFile:
    """Open a file as the format that it is.

    Raises:
        Unreadable: If Pillow does not know it.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    formats = ["JPEG", "MPO"] if kind == "JPEG" else [kind]
    if kind not in Image.OPEN:  # AVIF and others are optional in Pillow
        raise Unreadable(f"this Pillow does not read {kind}; convert it to PNG")
    try:
        return Image.open(io.BytesIO(layout.content), formats=formats)
    except UnidentifiedImageError as error:  # its own text holds a memory address
        raise Unreadable(f"{kind}, but its header is damaged, or of a kind not read") from error


def _held(image: Image, layout: Layout) -> int:
    lean = image.format in ("JPEG", "MPO", "PNG", "TIFF", "BMP", "GIF") and image.mode != "CMYK"
    return _HELD if lean and not layout.wide and not layout.premultiplied else _HELD_DEEP


def _orientation(image: Image, of_tiff: Any) -> tuple[int, tuple[str, ...]]:
    """Return the orientation, 1 if it is none of the eight, and what is to be said of it."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception as error:  # noqa: BLE001  (Pillow names no class for damaged EXIF)
        return 1, (f"EXIF cannot be read, so its orientation is ignored ({error})",)
    value = value if of_tiff is None or of_tiff in tuple(range(1, 9)) else of_tiff
    if isinstance(value, int) and 1 <= value <= 8:
        return value, ()
    return 1, (f"the orientation {str(value)[:20]!r} is none of 1 to 8 and is ignored",)


def _turn(pixels: Array, orientation: int) -> Array:
    """Apply an orientation of EXIF (tag 274 of TIFF 6.0) to rows and columns."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
