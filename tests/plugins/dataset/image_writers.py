"""Image files written byte by byte, as their specifications say; no decoder of ours is used."""

from __future__ import annotations

import struct
import zlib

import numpy as np

__all__ = ["bmp", "chunk", "gif", "packed", "png", "pnm", "tiff"]

ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def packed(samples, bits, order=">"):
    """Return the bytes of `[rows, values]`: each row packed, high bits first, and padded to bytes."""
    if bits in (8, 16, 32, 64):
        kind = "f" if samples.dtype.kind == "f" else "u"
        return samples.astype(f"{order}{kind}{bits // 8}").tobytes()
    one = (samples[..., None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(one.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def chunk(kind, data):
    """Return one chunk of a PNG."""
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(samples, bits=8, *, colour=None, interlaced=False, before=b"", after=b""):
    """Write a PNG without filters: samples `[H, W, C]`.

    Args:
        samples: The values, each of `bits` bits.
        bits: 1, 2, 4, 8 or 16.
        colour: The colour type; from the channels if not given.
        interlaced: Whether in the seven passes of Adam7.
        before: Chunks before the pixels.
        after: Chunks behind them.
    """
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if colour is None else colour
    passes = [(0, 0, 1, 1)] if not interlaced else ADAM7
    rows = b""
    for x, y, dx, dy in passes:
        part = samples[y::dy, x::dx]
        if part.size:
            line = len(packed(part[:1].reshape(1, -1), bits))
            flat = packed(part.reshape(len(part), -1), bits)
            rows += b"".join(b"\0" + flat[i : i + line] for i in range(0, len(flat), line))
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    body = chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(rows)) + after
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def _strips(samples, bits, order, planar, tile, compress):
    """Return the strips (one a plane) or tiles of `[H, W, C]`, compressed."""
    planes = (
        [samples[..., i : i + 1] for i in range(samples.shape[2])] if planar == 2 else [samples]
    )
    pieces = []
    for plane in planes:
        height, width = plane.shape[:2]
        if tile is None:
            pieces.append(plane)
            continue
        full = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, plane.shape[2]))
        full = full.astype(plane.dtype)
        full[:height, :width] = plane
        pieces += [
            full[y : y + tile, x : x + tile]
            for y in range(0, height, tile)
            for x in range(0, width, tile)
        ]
    return [compress(packed(piece.reshape(len(piece), -1), bits, order)) for piece in pieces]


def tiff(
    samples,
    bits=8,
    *,
    photometric=1,
    order="<",
    planar=1,
    extra=(),
    kind=1,
    colours=None,
    compression=1,
    compress=bytes,
    tile=None,
    big=False,
    more=(),
):
    """Write a TIFF 6.0 file (or BigTIFF) with one image: samples `[H, W, C]`.

    Args:
        samples: The values, each of `bits` bits.
        bits: Bits a sample.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, 8 Lab.
        order: "<" or ">".
        planar: 1 for interleaved samples, 2 for separate planes.
        extra: What the extra samples mean: 0 nothing, 1 associated, 2 unassociated alpha.
        kind: 1 unsigned, 2 signed, 3 floating point.
        colours: The colour map `[3, 2 ** bits]`.
        compression: The number of the compression.
        compress: From bytes to bytes.
        tile: The tiles' side (a multiple of 16), else one strip a plane.
        big: Whether a BigTIFF.
        more: More tags as (tag, type, values).
    """
    height, width, channels = samples.shape
    strips = _strips(samples, bits, order, planar, tile, compress)
    tags = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [compression]),
        (262, 3, [photometric]), (277, 3, [channels]), (284, 3, [planar]), (339, 3, [kind] * channels),
    ]  # fmt: skip
    tags += [(338, 3, list(extra))] if extra else []
    tags += [(320, 3, np.asarray(colours).ravel().tolist())] if colours is not None else []
    tags += [(278, 4, [height])] if tile is None else [(322, 4, [tile]), (323, 4, [tile])]
    tags += list(more)
    where, sizes = (273, 279) if tile is None else (324, 325)
    start = 16 if big else 8
    offsets = [start + sum(len(s) + len(s) % 2 for s in strips[:i]) for i in range(len(strips))]
    tags += [(where, 4, offsets), (sizes, 4, [len(strip) for strip in strips])]
    data = b"".join(strip + b"\0" * (len(strip) % 2) for strip in strips)
    return _directory(sorted(tags), data, order, big)


def _directory(tags, data, order, big):
    word, count, slot = ("Q", "Q", 8) if big else ("I", "H", 4)
    mark = b"II" if order == "<" else b"MM"
    start = (16 if big else 8) + len(data)
    head = mark + struct.pack(
        order + ("HHHQ" if big else "HI"), *((43, 8, 0) if big else (42,)), start
    )
    far = start + struct.calcsize("=" + count) + len(tags) * (12 + 2 * (slot - 4) + 0) + slot
    entries, behind = b"", b""
    for tag, kind, values in tags:
        raw = b"".join(
            struct.pack(order + {1: "B", 3: "H", 4: "I", 7: "B"}[kind], v) for v in values
        )
        entries += struct.pack(order + "HH" + word, tag, kind, len(values))
        if len(raw) <= slot:
            entries += raw.ljust(slot, b"\0")
        else:
            entries += struct.pack(order + word, far + len(behind))
            behind += raw + b"\0" * (len(raw) % 2)
    number = struct.pack(order + count, len(tags))
    return head + data + number + entries + bytes(slot) + behind


def gif(indices, palette, *, canvas=None, at=(0, 0), clear=None, interlaced=False, frames=1):
    """Write a GIF89a: indices `[H, W]` below 128, palette of 128 RGB entries at most.

    Args:
        indices: The first frame's palette entries.
        palette: `[n, 3]`.
        canvas: Width and height of the canvas, if not the frame's.
        at: Where the frame lies on it, (x, y).
        clear: The transparent entry.
        interlaced: Whether the rows come in GIF's four passes.
        frames: How often the frame comes.
    """
    height, width = indices.shape
    table = np.zeros((128, 3), np.uint8)
    table[: len(palette)] = palette
    screen = struct.pack("<HHBBB", *(canvas or (width, height)), 0xF6, 0, 0)
    rows = indices
    if interlaced:
        rows = np.concatenate([indices[a::b] for a, b in ((0, 8), (4, 8), (2, 4), (1, 2))])
    # Codes of 8 bits, and a clear code before the table grows to 9.
    codes = bytes(
        c for i, v in enumerate(rows.ravel()) for c in ((128, v) if i % 100 == 0 else (v,))
    )
    codes += b"\x81"
    blocks = b"".join(
        bytes([len(codes[i : i + 255])]) + codes[i : i + 255] for i in range(0, len(codes), 255)
    )
    frame = b"" if clear is None else b"!\xf9\4\1\0\0" + bytes([clear]) + b"\0"
    frame += (
        b"," + struct.pack("<HHHHB", *at, width, height, 0x40 * interlaced) + b"\7" + blocks + b"\0"
    )
    return b"GIF89a" + screen + table.tobytes() + frame * frames + b";"


def bmp(rows, bits, *, width, height, compression=0, palette=b"", masks=b"", header=40, colours=0):
    """Write a BMP: `rows` are the bytes behind the header, as they stand in the file.

    Args:
        rows: The pixels' bytes.
        bits: Bits a pixel.
        width: In pixels.
        height: In pixels; negative for rows from the top.
        compression: 0 none, 1 RLE8, 2 RLE4, 3 bit fields.
        palette: Blue, green, red, 0 of each entry.
        masks: Of red, green, blue (and alpha).
        header: Its size: 12, 40 or 108.
        colours: How many entries the palette has, 0 for all.
    """
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack(
            "<IiiHHIIiiII", header, width, height, 1, bits, compression, len(rows), 0, 0, colours, 0
        )
        info += masks.ljust(header - 40, b"\0") if header > 40 else masks
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + palette + rows


def pnm(samples, kind, top=255):
    """Write a PBM, PGM or PPM: samples `[H, W, C]`, kind 1 to 6, a comment in the header."""
    height, width = samples.shape[:2]
    head = f"P{kind}\n# a comment\n{width} {height}\n" + ("" if kind in (1, 4) else f"{top}\n")
    flat = samples.reshape(height, -1)
    if kind == 4:
        body = packed(flat, 1)
    elif kind > 4:
        body = packed(flat, 16 if top > 255 else 8)
    else:
        body = "\n".join(" ".join(map(str, row)) for row in flat.tolist()).encode() + b"\n"
    return head.encode() + body
