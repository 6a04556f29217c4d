"""Images as files: of as many bits as it takes to keep every value, or rounded where asked.

PNG holds whole numbers alone, so an image that was degraded or attacked mostly does not fit in
it: rounded to 8 bits it is another image, whose answer nobody has computed. TIFF holds float32.
Both are written here, byte by byte: Pillow writes neither colours of 16 bits nor of floats, and
its bytes change with its version.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FORMATS", "Format", "ImageFile", "image_file"]

Array = np.ndarray[Any, Any]
Format = Literal["exact", "png8", "png16", "npy"]
FORMATS: tuple[Format, ...] = ("exact", "png8", "png16", "npy")


class ImageFile(NamedTuple):
    """An image as a file.

    Attributes:
        content: Its bytes; the same image gives the same bytes everywhere.
        suffix: What its name ends in.
        depth: `8`, `16` (whole numbers) or `float32`.
        rounded_by: The largest difference between a value and what the file holds, on [0, 1].
    """

    content: bytes
    suffix: str
    depth: str
    rounded_by: float = 0.0


def image_file(image: Array, form: Format = "exact") -> ImageFile:
    """Write an image.

    Args:
        image: `[C, H, W]` float32 in [0, 1].
        form: `exact`: PNG of 8 or 16 bits if it holds every value, else TIFF of float32. `png8`,
            `png16`: rounded to the nearest. `npy`: NumPy's file of `[H, W]` or `[H, W, C]` float32.

    Raises:
        InputError: If it is neither grey nor RGB, which image files do not hold alike; `npy` does.
    """
    planes = image.shape[0]
    pixels = np.ascontiguousarray(image[0] if planes == 1 else image.transpose(1, 2, 0))
    if planes not in (1, 3) and form != "npy":
        raise InputError(
            f"expected images of 1 or 3 channels for PNG and TIFF, got {planes}; add --format npy"
        )
    return _WRITERS[form](pixels)


def _exact(pixels: Array) -> ImageFile:
    for bits in (8, 16):
        file = _png(pixels, bits)
        if file.rounded_by == 0:
            return file
    return ImageFile(_tiff(pixels), ".tif", "float32")


def _npy(pixels: Array) -> ImageFile:
    file = io.BytesIO()
    np.save(file, pixels, allow_pickle=False)
    return ImageFile(file.getvalue(), ".npy", "float32")


def _png(pixels: Array, bits: int) -> ImageFile:
    """Round to whole numbers; a reader gets `number / white` in float32."""
    white = np.float32(2**bits - 1)
    numbers = np.rint(pixels * white).astype(">u2" if bits == 16 else np.uint8)
    error = np.abs(numbers.astype(np.float32) / white - pixels)
    height, width = pixels.shape[:2]
    rows = numbers.view(np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, np.uint8), rows - above])  # 2: from the row above
    header = struct.pack(">IIBBBBB", width, height, bits, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)
    return ImageFile(content, ".png", str(bits), float(error.max()))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _tiff(pixels: Array) -> bytes:
    """Write float32 as one strip, not compressed, as TIFF 6.0 says (section 19, SampleFormat 3)."""
    height, width = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    body = pixels.astype("<f4").tobytes()
    shorts, longs = 3, 4  # TIFF's types of 16 and 32 bits
    tags: list[tuple[int, int, tuple[int, ...]]] = [
        (256, longs, (width,)),
        (257, longs, (height,)),
        (258, shorts, (32,) * samples),  # bits a sample
        (259, shorts, (1,)),  # not compressed
        (262, shorts, (1 if samples == 1 else 2,)),  # 0 is black, or RGB
        (273, longs, (0,)),  # where the strip begins, set below
        (277, shorts, (samples,)),
        (278, longs, (height,)),  # rows of the strip
        (279, longs, (len(body),)),
        (284, shorts, (1,)),  # the samples of a pixel stand together
        (339, shorts, (3,) * samples),  # floating-point
    ]
    after = 8 + 2 + 12 * len(tags) + 4  # header, number of tags, tags, no further page
    apart = b"".join(_values(kind, values) for _, kind, values in tags if _is_long(kind, values))
    start = after + len(apart)
    entries, place = b"", after
    for tag, kind, values in tags:
        written = _values(kind, (start,) if tag == 273 else values)
        entries += struct.pack("<HHI", tag, kind, len(values))
        if _is_long(kind, values):
            entries += struct.pack("<I", place)
            place += len(written)
        else:
            entries += written.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + apart + body


def _values(kind: int, values: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)


def _is_long(kind: int, values: tuple[int, ...]) -> bool:
    """Say whether values do not fit into the four bytes of their entry."""
    return len(_values(kind, values)) > 4


_WRITERS: Mapping[Format, Callable[[Array], ImageFile]] = {
    "exact": _exact,
    "png8": lambda pixels: _png(pixels, 8),
    "png16": lambda pixels: _png(pixels, 16),
    "npy": _npy,
}
