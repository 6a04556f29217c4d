"""PNG, GIF, WebP, JPEG, JPEG 2000 and AVIF files, each with the pixels it must give."""

from __future__ import annotations

import base64
import io
import itertools
import struct

import imagecodecs
import numpy as np
from bitmap_cases import bitmap_cases
from image_writers import chunk, gif, png
from PIL import Image
from tiff_cases import HEIGHT, RANDOM, WIDTH, Case, laid, samples

__all__ = ["image_cases"]


def shares(values, bits):
    return values.astype(np.float64) / (2**bits - 1)


def png_cases():
    """Colour type x depth x tRNS x interlacing."""
    kinds = [(0, 1, b) for b in (1, 2, 4, 8, 16)]
    kinds += [(c, n, b) for c, n in ((2, 3), (4, 2), (6, 4)) for b in (8, 16)]
    for (colour, channels, bits), interlaced, clear in itertools.product(
        kinds, (False, True), (False, True)
    ):
        if clear and colour in (4, 6):
            continue
        values = samples(bits, channels)
        values[5:7] = key = values[3, 4].copy()
        before = chunk(b"tRNS", b"".join(struct.pack(">H", v) for v in key)) if clear else b""
        wanted = shares(values, bits)
        if colour in (4, 6):
            wanted = laid(wanted[:, :, :-1], wanted[:, :, -1:])
        if clear:
            wanted[(values == key).all(axis=2)] = 1
        content = png(values, bits, colour=colour, interlaced=interlaced, before=before)
        decoded = (
            (imagecodecs.png_decode(content), values)
            if bits > 4 and not (interlaced or clear)
            else None
        )
        levels = 0.5 * (colour in (4, 6))
        yield Case(
            f"png colour {colour} bits {bits} {interlaced} {clear}",
            content,
            wanted,
            decoded,
            levels,
        )
    for bits, interlaced, clear in itertools.product((1, 2, 4, 8), (False, True), (0, 1, 2)):
        palette = RANDOM.integers(0, 256, (2**bits, 3))
        alpha = {
            0: np.full(2**bits, 255),
            1: np.array([255, 0] + [255] * (2**bits - 2)),
            2: RANDOM.integers(0, 256, 2**bits),
        }[clear]
        before = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
        before += (
            chunk(b"tRNS", alpha[: 2 if clear == 1 else None].astype(np.uint8).tobytes())
            if clear
            else b""
        )
        values = samples(bits, 1)
        wanted = laid(palette[values[:, :, 0]] / 255, alpha[values] / 255)
        content = png(values, bits, colour=3, interlaced=interlaced, before=before)
        yield Case(f"png palette bits {bits} {interlaced} {clear}", content, wanted, levels=0.5)
    values = RANDOM.integers(0, 5, (HEIGHT, WIDTH, 1))
    content = png(values, colour=3, before=chunk(b"PLTE", bytes(9)))
    yield Case("png colour beyond the palette", content, "a pixel has colour 4 of a palette of 3")


def gif_cases():
    """Interlacing x transparent entry x where the frame lies on the canvas x frames."""
    palette = RANDOM.integers(0, 256, (128, 3))
    places = ((None, (0, 0)), ((30, 28), (4, 3)), ((WIDTH, 30), (0, 0)), ((10, 10), (0, 0)))
    for interlaced, clear, (canvas, at), frames in itertools.product(
        (False, True), (None, 5), places, (1, 2)
    ):
        indices = RANDOM.integers(0, 128, (HEIGHT, WIDTH))
        width, height = canvas or (WIDTH, HEIGHT)
        wanted = np.ones((height, width, 3))
        frame = palette[indices] / 255.0
        frame[indices == clear] = 1
        content = gif(
            indices,
            palette,
            canvas=canvas,
            at=at,
            clear=clear,
            interlaced=interlaced,
            frames=frames,
        )
        if width < WIDTH:
            wanted = "the first frame reaches beyond the canvas"
        else:
            wanted[at[1] : at[1] + HEIGHT, at[0] : at[0] + WIDTH] = frame
        decoded = None
        if canvas is None and clear is None and frames == 1:
            decoded = imagecodecs.gif_decode(content), palette[indices]
        yield Case(
            f"gif {interlaced} clear {clear} canvas {canvas} {frames}", content, wanted, decoded
        )
    greys = np.repeat(np.arange(128)[:, None], 3, axis=1)
    yield Case("gif grey", gif(indices, greys), indices / 255)


def webp_cases():
    """Lossless, with and without alpha; animations whose first frame covers a part."""
    colour, alpha = samples(8, 3).astype(np.uint8), samples(8, 4).astype(np.uint8)
    yield Case("webp", imagecodecs.webp_encode(colour, lossless=True), colour / 255)
    wanted = laid(alpha[:, :, :3] / 255, alpha[:, :, 3:] / 255)
    yield Case("webp alpha", imagecodecs.webp_encode(alpha, lossless=True), wanted, levels=0.5)
    for flags, background in itertools.product((0x02, 0x12), (bytes(4), b"\x10\x20\x30\xff")):
        frame = imagecodecs.webp_encode(colour[:10, :12].copy(), lossless=True)[12:]
        three = [struct.pack("<I", v)[:3] for v in (2, 1, 11, 9, 100, WIDTH - 1, HEIGHT - 1)]
        moving = b"".join(three[:5]) + b"\0" + frame
        parts = [
            (b"VP8X", bytes([flags, 0, 0, 0]) + three[5] + three[6]),
            (b"ANIM", background + b"\0\0"),
        ]
        parts += [(b"ANMF", moving)] * 2
        body = b"WEBP" + b"".join(
            k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for k, d in parts
        )
        wanted = np.ones((HEIGHT, WIDTH, 3))
        wanted[2:12, 4:16] = colour[:10, :12] / 255
        yield Case(
            f"webp animation {flags} {background!r}",
            b"RIFF" + struct.pack("<I", len(body)) + body,
            wanted,
        )


ARITHMETIC = base64.b64decode(
    b"""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG
NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09P
T09PT09PT09PT09PT09PT09PT09PT09PT0//yQARCAAQABADASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIR
AxEAPwDOOG7BajLTcfu2QIHHNud0ACZNCsD/2Q==
    """
)
"""`cjpeg -arithmetic -quality 60` of a 16 x 16 ramp."""


def jpeg_cases():
    """Colour kinds, subsampling, progressive, arithmetic, restarts, lossless, 12 bits, CMYK."""
    smooth = (np.add.outer(np.arange(40) * 2, np.arange(48) * 2)[:, :, None] + [0, 10, 20]).astype(
        np.uint8
    )
    encode = imagecodecs.jpeg8_encode
    files = {f"ycbcr {s}": encode(smooth, level=95, subsampling=s) for s in ("444", "422", "420")}
    files["rgb"] = encode(smooth, level=95, colorspace="RGB", outcolorspace="RGB")
    files["grey"] = encode(smooth[:, :, 0].copy(), level=95)
    files["lossless"] = encode(smooth, lossless=True)
    files["arithmetic"] = ARITHMETIC
    for name, options in (
        ("progressive", {"progressive": True}),
        ("restarts", {"restart_marker_blocks": 1}),
    ):
        file = io.BytesIO()
        Image.fromarray(smooth).save(file, "JPEG", quality=90, **options)
        files[name] = file.getvalue()
    for name, content in files.items():
        # Another build of libjpeg: a level is the rounding of its inverse transform.
        yield Case(f"jpeg {name}", content, imagecodecs.jpeg8_decode(content) / 255, levels=1)
    ink = np.concatenate([smooth, smooth[:, :, :1] // 2], axis=2)
    for kind in ("CMYK", "YCCK"):  # Adobe's files hold 255 - ink
        content = encode(255 - ink, level=99, colorspace="CMYK", outcolorspace=kind)
        stored = 255 - imagecodecs.jpeg8_decode(
            content, colorspace=kind, outcolorspace="CMYK"
        ).astype(float)
        wanted = (1 - stored[:, :, :3] / 255) * (1 - stored[:, :, 3:] / 255)
        yield Case(f"jpeg {kind}", content, wanted, levels=1.5)
        at = content.index(b"\xff\xee")
        yield Case(
            f"jpeg {kind} unmarked", content[:at] + content[at + 16 :], "without Adobe's marker"
        )
    deep = encode(smooth.astype(np.uint16) * 16, bitspersample=12, level=95)
    yield Case("jpeg 12 bits", deep, "a JPEG of 12 bits is not read")


def deep_cases():
    """JPEG 2000 and AVIF: 8 bits are read, and grey of 16; Pillow would cut all others to 8."""
    for bits, channels, kind in itertools.product((8, 12, 16), (1, 2, 3, 4), ("jp2", "j2k")):
        values = samples(bits, channels).astype(np.uint8 if bits == 8 else np.uint16)
        image = values if channels > 1 else values[:, :, 0].copy()
        content = imagecodecs.jpeg2k_encode(
            image, level=0, bitspersample=bits, codecformat=kind, reversible=True
        )
        share = shares(values, bits)
        wanted = laid(share[..., :-1], share[..., -1:]) if channels in (2, 4) else share
        if bits > 8 and (channels, bits) != (1, 16):
            wanted = "a JPEG 2000 of this depth is not read"
        yield Case(f"{kind} {bits} {channels}", content, wanted, levels=0.5)
    for bits in (8, 10, 12):
        values = samples(bits, 3).astype(np.uint8 if bits == 8 else np.uint16)
        content = imagecodecs.avif_encode(values, level=100, bitspersample=bits)
        wanted = values / 255 if bits == 8 else "an AVIF of more than 8 bits"
        yield Case(f"avif {bits}", content, wanted)


def image_cases():
    """Return all of them."""
    groups = (png_cases, gif_cases, bitmap_cases, webp_cases, jpeg_cases, deep_cases)
    return [case for group in groups for case in group()]
