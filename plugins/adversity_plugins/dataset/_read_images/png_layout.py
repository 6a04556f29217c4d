"""The layout of a PNG, and its chunks without those that no pixel depends on."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from adversity_plugins.dataset._read_images.layouts import Layout, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["png"]

_MAGIC = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 2**20
"""Of XMP, unpacked: what an orientation needs is a few hundred bytes."""


def png(content: bytes) -> Layout:
    """Keep what pixels and orientation depend on; a fault elsewhere does not cost the image.

    Text, profiles, gamma, resolution and the later frames of an animation are left out, so
    that nothing in them is unpacked. What pixels depend on is kept as it is, faults included,
    and Pillow refuses those.

    Raises:
        Unreadable: If there is no header.
    """
    chunks = [_MAGIC]
    remarks: list[str] = []
    head, clear = b"", None
    for kind, chunk in _chunks(content):
        body = chunk[8:-4]
        critical = not kind[0] & 0x20
        fault = None if critical or kind == b"tRNS" else _left_out(kind, chunk)
        if fault is not None:
            remarks += [fault] if fault else []
            continue
        chunks.append(chunk)
        head = body if kind == b"IHDR" else head
        clear = body if kind == b"tRNS" else clear
    if len(head) != 13:
        raise Unreadable("damaged: a PNG without its header")
    depth, colour = head[8], head[9]
    return Layout(
        b"".join(chunks),
        size=struct.unpack_from(">II", head),
        wide=depth == 16 and colour in (2, 4, 6),
        clear=_clear_colour(clear, depth) if clear is not None and colour in (0, 2) else None,
        remarks=tuple(remarks),
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and bytes of each chunk up to IEND; the last may be cut off."""
    at = len(_MAGIC)
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4].rjust(4, b"\xff"))
        kind = content[at + 4 : at + 8]
        yield kind or b"\0", content[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _left_out(kind: bytes, chunk: bytes) -> str | None:
    """Say why an ancillary chunk is left out: a remark, empty if nobody misses it; else None."""
    body, sum_ = chunk[8:-4], chunk[-4:]
    name = {b"eXIf": "EXIF", b"iTXt": "XMP"}.get(kind)
    if name is None or (name == "XMP" and not body.startswith(b"XML:com.adobe.xmp\0")):
        return ""
    if len(chunk) < 12 or struct.pack(">I", zlib.crc32(chunk[4:-4])) != sum_:
        return f"{name} has a wrong checksum, so its orientation is ignored"
    if name == "XMP" and body[18:19] == b"\1":
        start = body.find(b"\0", body.find(b"\0", 20) + 1) + 1
        try:
            unpacker = zlib.decompressobj()
            unpacker.decompress(body[start:], _LARGEST_TEXT)
        except zlib.error:
            return "XMP cannot be unpacked, so its orientation is ignored"
        if unpacker.unconsumed_tail:
            return f"XMP is larger than {_LARGEST_TEXT} bytes, so its orientation is ignored"
    return None


def _clear_colour(body: bytes, depth: int) -> tuple[int, ...]:
    """Return the values of tRNS; of each, only the lowest `depth` bits count."""
    values = struct.unpack(f">{len(body) // 2}H", body[: len(body) // 2 * 2])
    return tuple(value & (2**depth - 1) for value in values)
