"""What the bytes of an image file say of its layout, read before any pixel is decoded.

Pillow opens many layouts that it decodes to other values than the file holds: the high byte of
16-bit colours, 12 bits as if they were 16, the planes of a TIFF in the wrong order. Every
layout here is known to come out right (`tests/plugins/dataset/test_image_formats.py` compares
each with an independent decoder); any other one is refused in words.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity_plugins.dataset._read_images.tiff_float import Strips

__all__ = ["Layout", "Unreadable", "avif", "bmp", "gif", "jpeg", "jpeg2000", "webp"]


class Unreadable(Exception):  # noqa: N818  (a reason, not a failure of the program)
    """Why a file is not used; the text holds no path, so reports are equal everywhere."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What Pillow must be given, or does not say.

    Attributes:
        content: The bytes to decode.
        wide: Whether Pillow keeps only the high byte of each value (16-bit colour, and 16-bit
            grey with alpha).
        white: What stands for white in grey of more than 8 bits.
        inverted: Whether 0 is white and Pillow does not turn it round.
        clear: The colour that is transparent (tRNS), its values as in the file.
        premultiplied: Whether the colours are multiplied by alpha already.
        colours: The colour map as `RRR...GGG...BBB...`, where Pillow reads it wrongly.
        floats: Where RGB of 32-bit floats stand, which Pillow does not read.
        box: The part of the canvas that the first frame covers, (left, top, right, bottom).
        size: Width and height that the header claims; of a TIFF's tile, if that is larger.
        remarks: What in the file was left aside.
    """

    content: bytes
    wide: bool = False
    white: int = 65535
    inverted: bool = False
    clear: tuple[int, ...] | None = None
    premultiplied: bool = False
    colours: bytes | None = None
    floats: Strips | None = None
    box: tuple[int, int, int, int] | None = None
    size: tuple[int, int] = (0, 0)
    remarks: tuple[str, ...] = ()


def jpeg(content: bytes) -> Layout:
    """Look at the frame header and Adobe's marker."""
    adobe, size = False, (0, 0)
    for marker, body in _segments(content):
        adobe |= marker == 0xEE and body[:5] == b"Adobe"
        if marker not in _FRAMES or len(body) < 6:
            continue
        bits, height, width, channels = struct.unpack_from(">BHHB", body)
        size = width, height
        if bits != 8:
            raise Unreadable(f"a JPEG of {bits} bits is not read; save it with 8 bits, or as PNG")
        if channels == 4 and not adobe:
            raise Unreadable(
                "a CMYK JPEG without Adobe's marker does not say whether 0 or 255 is full ink; "
                "save it as RGB"
            )
    return Layout(content, size=size)


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15 of ITU-T T.81, table B.1, without DHT, JPG and DAC."""


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker segments of a JPEG up to its first scan."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        if marker in (0xDA, 0xD9):
            return
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + length


def bmp(content: bytes) -> Layout:
    """Look at the bit fields."""
    fields = content[14] >= 40 and content[30:34] == b"\x03\0\0\0"
    if fields and content[54:66] == bytes(12):
        raise Unreadable("the bit fields of this BMP are all 0; save it as PNG")
    width, height = struct.unpack_from("<HH" if content[14] == 12 else "<ii", content, 18)
    return Layout(content, size=(abs(width), abs(height)))


def gif(content: bytes) -> Layout:
    """Look at the size of the canvas."""
    return Layout(content, size=struct.unpack_from("<HH", content, 6))


def webp(content: bytes) -> Layout:
    """Find what part of the canvas the first frame of an animation covers."""
    if content[12:16] != b"VP8X" or len(content) < 30:
        return Layout(content)
    canvas = _three(content, 24) + 1, _three(content, 27) + 1
    at = 30
    while content[at : at + 4] not in (b"ANMF", b""):
        (length,) = struct.unpack("<I", content[at + 4 : at + 8].ljust(4, b"\0"))
        at += 8 + length + length % 2
    if len(content) < at + 20:
        return Layout(content, size=canvas)
    left, top = 2 * _three(content, at + 8), 2 * _three(content, at + 11)
    right, bottom = left + _three(content, at + 14) + 1, top + _three(content, at + 17) + 1
    return Layout(content, size=canvas, box=(left, top, right, bottom))


def _three(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 3], "little")


def jpeg2000(content: bytes) -> Layout:
    """Look at the depth of each component (marker SIZ of ITU-T T.800, A.5.1)."""
    at = content.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(content) < at + 42:
        raise Unreadable("damaged: a JPEG 2000 file without the header of its codestream")
    (count,) = struct.unpack_from(">H", content, at + 40)
    parts = content[at + 42 : at + 42 + 3 * count]
    depths = set(parts[0::3])  # bits - 1, and 128 where values have a sign
    if depths != {7} and not (count == 1 and depths == {15}):
        raise Unreadable("a JPEG 2000 of this depth is not read; save it with 8 bits, or as PNG")
    if set(parts[1::3]) | set(parts[2::3]) != {1}:
        raise Unreadable("a JPEG 2000 with components of several sizes is not read; save it as PNG")
    right, bottom, left, top = struct.unpack_from(">4I", content, at + 8)
    return Layout(content, size=(right - left, bottom - top))


def avif(content: bytes) -> Layout:
    """Look at the depth (box av1C of AV1 in ISO base media files, 2.3.3)."""
    for match in re.finditer(rb"av1C..(.)", content, re.DOTALL):
        if match[1][0] & 0x40:
            raise Unreadable(
                "an AVIF of more than 8 bits is not read; save it with 8 bits, or as PNG"
            )
    return Layout(content)
