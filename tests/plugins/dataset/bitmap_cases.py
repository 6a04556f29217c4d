"""BMP, PBM, PGM and PPM files, each with the pixels it must give."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
from image_writers import bmp, packed, pnm
from tiff_cases import HEIGHT, RANDOM, WIDTH, Case, laid, samples

__all__ = ["bitmap_cases"]


def lines(rows, *, top):
    """Return rows of bytes, padded to four, in the order of the file."""
    rows = [row.ljust(-(-len(row) // 4) * 4, b"\0") for row in rows]
    return b"".join(rows if top else rows[::-1])


def bmp_cases():
    """Header x depth x direction, bit fields, run lengths."""
    for header, top in ((12, False), (40, False), (40, True), (108, False), (108, True)):
        size = {"width": WIDTH, "height": -HEIGHT if top else HEIGHT, "header": header}
        for bits in (1, 4, 8):
            palette = RANDOM.integers(0, 256, (2**bits, 3))
            entries = b"".join(bytes(p[::-1].tolist()) + b"\0" * (header > 12) for p in palette)
            values = RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH))
            rows = lines([packed(row[None], bits) for row in values], top=top)
            yield Case(
                f"bmp {header} {top} {bits}",
                bmp(rows, bits, palette=entries, **size),
                palette[values] / 255,
            )
        values = samples(8, 4).astype(np.uint8)
        for bits, order in ((24, [2, 1, 0]), (32, [2, 1, 0, 3])):  # the fourth byte means nothing
            content = bmp(lines([row[:, order].tobytes() for row in values], top=top), bits, **size)
            decoded = (
                (imagecodecs.bmp_decode(content, asrgb=True), values[:, :, :3])
                if header == 40 and bits == 24
                else None
            )
            yield Case(f"bmp {header} {top} {bits}", content, values[:, :, :3] / 255, decoded)
        yield from bit_fields(header, top, size)
    yield from run_lengths()


def bit_fields(header, top, size):
    plain = {"5-5-5": (0x7C00, 0x3E0, 0x1F, 0)}
    fields = {
        **plain, "5-6-5": (0xF800, 0x7E0, 0x1F, 0), "x-8-8-8": (0xFF0000, 0xFF00, 0xFF, 0),
        "8-8-8-8": (0xFF0000, 0xFF00, 0xFF, 0xFF000000), "10-10-10": (0x3FF00000, 0xFFC00, 0x3FF, 0),
        "none": (0, 0, 0, 0),
    }  # fmt: skip
    for name, masks in fields.items() if header > 12 else plain.items():
        bits = 16 if name.startswith("5") else 32
        if header == 40 and masks[3]:
            continue
        values = RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH), dtype=np.uint64)
        wanted = {"10-10-10": "of a kind not read", "none": "bit fields of this BMP are all 0"}.get(
            name
        )
        if wanted is None:
            parts = [(values & m) / m if m else np.ones(values.shape) for m in masks]
            wanted = laid(np.stack(parts[:3], axis=2), parts[3][:, :, None])
        rows = lines([row.astype(f"<u{bits // 8}").tobytes() for row in values], top=top)
        packing = {
            "compression": 3,
            "masks": struct.pack("<4I", *masks)[: 16 if header > 40 else 12],
        }
        if header == 12 or name == "plain":
            packing = {}
        # Pillow spreads 5 and 6 bits to 8 by rounding down: up to a level lower.
        levels = 0.5
        yield Case(
            f"bmp {header} {top} fields {name}",
            bmp(rows, bits, **size, **packing),
            wanted,
            levels=levels,
        )


def run_lengths():
    palette = RANDOM.integers(0, 256, (256, 3))
    entries = b"".join(bytes(p[::-1].tolist()) + b"\0" for p in palette)
    data = b"\4\7\0\3\1\2\3\0\0\0\7\5\0\1"
    wanted = np.array([[5] * 7, [7, 7, 7, 7, 1, 2, 3]])
    yield Case(
        "bmp rle8",
        bmp(data, 8, width=7, height=2, compression=1, palette=entries),
        palette[wanted] / 255,
    )
    data = b"\5\x12\0\3\x12\x30\0\0\x08\x21\0\1"
    wanted = np.array([[2, 1] * 4, [1, 2, 1, 2, 1, 1, 2, 3]])
    yield Case(
        "bmp rle4",
        bmp(data, 4, width=8, height=2, compression=2, palette=entries[:64]),
        palette[wanted] / 255,
    )
    short = bmp(b"\4\7\0\1", 8, width=7, height=3, compression=1, palette=entries)
    yield Case("bmp rle8 cut off", short, "not enough image data")


def pnm_cases():
    """The six formats x maximum, and values that are wrong or missing."""
    for kind, channels in ((1, 1), (2, 1), (3, 3), (4, 1), (5, 1), (6, 3)):
        for top in (1,) if kind in (1, 4) else (1, 3, 100, 255, 256, 1000, 4095, 65535):
            values = RANDOM.integers(0, top + 1, (HEIGHT, WIDTH, channels))
            share = values / top
            yield Case(
                f"pnm P{kind} {top}", pnm(values, kind, top), 1 - share if kind in (1, 4) else share
            )
    for content, wanted in (
        (b"P1 3 2\n010110", np.array([[1, 0, 1], [0, 0, 1]])),
        (b"P5 2 1 255\n\0\xffmore", np.array([[0, 1]])),
        (b"P2 2 1 10 5 20\n", "a value of 20, but the maximum is 10"),
        (b"P5 2 1 10\n\5\x20", "a value of 32, but the maximum is 10"),
        (b"P6 2 2 255\n123", "3 of 12 bytes"),
        (b"P3 1 1 255 1 2", "2 of 3 values"),
        (b"P2 1 1 255 -1", "expected whole numbers"),
        (b"P2 1 1 70000 1", "with a maximum of 70000"),
        (b"P5 0 1 255\n", "0 x 1 pixels"),
        (b"P5 9", "the header is not complete"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\na", "not an image in a format that is read"),
    ):  # fmt: skip
        yield Case(f"pnm {content[:12]!r}", content, wanted)


def bitmap_cases():
    """Return all of them."""
    return [*bmp_cases(), *pnm_cases()]
