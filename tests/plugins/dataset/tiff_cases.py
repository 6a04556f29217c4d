"""TIFF files of every kind a reader can meet, each with the pixels it must give or the refusal."""

from __future__ import annotations

import io
import itertools
import zlib
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import tifffile
from image_writers import tiff

__all__ = ["Case", "laid", "tiff_cases"]

HEIGHT, WIDTH = 19, 21
REFUSED = "a TIFF of this layout is not read"
RANDOM = np.random.default_rng(3)
RAW, DEFLATE, LZW, PACKBITS = (
    {"compression": 1, "compress": bytes},
    {"compression": 8, "compress": zlib.compress},
    {"compression": 5, "compress": imagecodecs.lzw_encode},
    {"compression": 32773, "compress": imagecodecs.packbits_encode},
)


class Case(NamedTuple):
    """A file.

    Attributes:
        name: In the test's id.
        content: Its bytes.
        wanted: `[H, W]` or `[H, W, 3]` in [0, 1], or words of the refusal.
        decoded: What an independent decoder makes of it and what it must be, or None.
        levels: How many of 255 levels a pixel of 8 bits may be off, beyond rounding.
    """

    name: str
    content: bytes
    wanted: Any
    decoded: tuple[Any, Any] | None = None
    levels: float = 0.0


def laid(values, alpha, back=1.0):
    """Lay `[H, W, C]` on a background, alpha `[H, W, 1]`, all in [0, 1]."""
    return values * alpha + back * (1 - alpha)


def samples(bits, channels):
    values = RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH, channels), dtype=np.uint64)
    return values.astype(np.uint32)


def raw_of(content, planes, channels):
    """Return what tifffile decodes, `[H, W, C]`."""
    found = tifffile.imread(io.BytesIO(content))
    if planes == 2 and channels > 1:
        return np.moveaxis(found.reshape(channels, HEIGHT, WIDTH), 0, 2)
    return found.reshape(HEIGHT, WIDTH, channels)


def case(name, values, wanted, *, check=True, levels=0.0, **options):
    content = tiff(values, **options)
    decoded = None
    if check:
        decoded = raw_of(content, options.get("planar", 1), values.shape[2]), values
    return Case(f"tiff {name}", content, wanted, decoded, levels)


READ = {  # (photometric, bits, planar): every other combination is refused
    *((grey, bits, 1) for grey in (0, 1) for bits in (1, 2, 4, 8, 16)), (1, 12, 1),
    *((3, bits, 1) for bits in (1, 2, 4, 8)),
    (2, 8, 1), (2, 8, 2), (2, 16, 1), (5, 8, 1), (5, 8, 2),
}  # fmt: skip
ONLY_LITTLE = {(1, 12, 1), (0, 16, 1)}


def layouts():
    """Depth x photometric kind x planes x byte order x compression x tiles."""
    kinds = ((0, 1), (1, 1), (2, 3), (3, 1), (5, 4))
    depths = (1, 2, 4, 8, 10, 12, 16, 32)
    stored = {"raw": RAW, "lzw": LZW, "deflate": DEFLATE, "packbits": PACKBITS}
    for order, (kind, channels), bits, planar, (how, packing), tile in itertools.product(
        "<>", kinds, depths, (1, 2), stored.items(), (None, 16)
    ):
        if (kind == 3 and bits > 8) or (channels == 1 and planar == 2):
            continue
        if how in ("deflate", "packbits") and (tile or order == ">" or bits not in (1, 8, 16)):
            continue
        values = samples(bits, channels)
        share = values.astype(np.float64) / (2**bits - 1)
        colours = RANDOM.integers(0, 256, (3, 2**bits)) * 257 if kind == 3 else None
        wanted: Any = {0: 1 - share, 1: share, 2: share}.get(kind)
        if kind == 3:
            wanted = colours.T[values[:, :, 0]] / 65535
        if kind == 5:
            wanted = (1 - share[:, :, :3]) * (1 - share[:, :, 3:])
        key = (kind, bits, planar)
        if key not in READ or (key in ONLY_LITTLE and order == ">"):
            wanted = REFUSED
        name = f"photometric {kind} bits {bits} planar {planar} {order} {how} tile {tile}"
        yield case(
            name, values, wanted, bits=bits, photometric=kind, order=order, planar=planar,
            tile=tile, colours=colours, check=how != "lzw" or bits != 10, levels=0.5 * (kind == 5),
            **packing,
        )  # fmt: skip


def alphas():
    """Extra samples: none named, nothing (0), associated (1), unassociated (2) alpha, unknown."""
    for bits, (kind, channels), extra, planar, packing in itertools.product(
        (8, 16), ((1, 2), (2, 4)), ((), (0,), (1,), (2,), (999,)), (1, 2), (RAW, LZW)
    ):
        top = 2**bits - 1
        values = samples(bits, channels)
        if extra == (1,):
            values[..., :-1] = values[..., :-1].astype(np.uint64) * values[..., -1:] // top
        share = values / top
        colour, alpha = share[..., :-1], share[..., -1:]
        wanted: Any = {
            (0,): colour,
            (1,): colour + 1 - alpha,
            (2,): laid(colour, alpha),
        }.get(extra, REFUSED)
        if planar == 2 or (kind, bits) == (1, 16):
            wanted = REFUSED
        name = (
            f"photometric {kind} bits {bits} planar {planar} extra {extra} {packing['compression']}"
        )
        # Half a level is the rounding of Pillow's blending with 8 bits.
        levels = 0.5 if extra == (2,) else 0.0
        yield case(
            name, values, wanted, bits=bits, photometric=kind, planar=planar, extra=extra,
            levels=levels, check=False, **packing,
        )  # fmt: skip


def numbers():
    """Signed, floating-point and other samples, of several depths and both byte orders."""
    for order, kind, bits, packing in itertools.product(
        "<>", (0, 1, 2), (16, 32, 64), (RAW, DEFLATE)
    ):
        channels = 3 if kind == 2 else 1
        values = RANDOM.random((HEIGHT, WIDTH, channels)).astype(f"f{bits // 8}")
        compressed = packing is DEFLATE
        is_read = (kind, bits) == (1, 32) and not (compressed and order == ">")
        is_read |= (kind, bits) == (2, 32) and not compressed
        name = f"float bits {bits} photometric {kind} {order} {packing['compression']}"
        yield case(
            name, values, values if is_read else REFUSED, bits=bits, kind=3, photometric=kind,
            order=order, **packing,
        )  # fmt: skip
    for sort, bits in itertools.product((2, 4, 5), (8, 16)):
        yield case(
            f"sort {sort} bits {bits}", samples(bits, 1), REFUSED, bits=bits, kind=sort, check=False
        )


def predicted():
    """Horizontal differencing, which tifffile writes."""
    for top, channels, order, planes in itertools.product(
        (255, 65535), (1, 3), "<>", ("contig", "separate")
    ):
        if channels == 1 and planes == "separate":
            continue
        values = samples(8 if top == 255 else 16, channels)
        values = values.astype(np.uint8 if top == 255 else np.uint16)
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            values[:, :, 0] if channels == 1 else np.moveaxis(values, 2, 0) if planes == "separate" else values,
            photometric="minisblack" if channels == 1 else "rgb",
            planarconfig=None if channels == 1 else planes,
            compression="lzw", predictor=2, byteorder=order,
        )  # fmt: skip
        wanted = REFUSED if planes == "separate" and top > 255 else values / top
        yield Case(f"tiff differences {top} {channels} {order} {planes}", file.getvalue(), wanted)


def others():
    """Colour maps of 8 bits, fill order, BigTIFF, YCbCr, Lab, JPEG inside, pages, raw photos."""
    for bits in (1, 2, 4, 8):
        values, colours = samples(bits, 1), RANDOM.integers(0, 256, (3, 2**bits))
        yield case(
            f"small colour map {bits}",
            values,
            colours.T[values[:, :, 0]] / 255,
            bits=bits,
            photometric=3,
            colours=colours,
        )
        turned = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
        for packing in (RAW, LZW):
            values = samples(bits, 1)
            backwards = {
                **packing,
                "compress": lambda b, f=packing["compress"], t=turned: f(b).translate(t),
            }
            yield case(
                f"fill order {bits} {packing['compression']}",
                values,
                values / (2**bits - 1),
                bits=bits,
                check=False,
                more=[(266, 3, [2])],
                **backwards,
            )
    values = samples(16, 3)
    for order in "<>":
        wanted = values / 65535 if order == "<" else "a BigTIFF of this byte order"
        yield case(f"big {order}", values, wanted, bits=16, photometric=2, order=order, big=True)
    shares = samples(8, 3)
    for kind, packing in itertools.product((6, 8, 9, 32803, 4), (RAW, LZW)):
        yield case(
            f"photometric {kind} {packing['compression']}",
            shares,
            REFUSED,
            photometric=kind,
            check=False,
            **packing,
        )
    smooth = np.linspace(20, 230, HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3).astype(np.uint8)
    for kind, apart in (("ycbcr", (1, 1)), ("ycbcr", (2, 2)), ("rgb", None), ("minisblack", None)):
        file = io.BytesIO()
        image = smooth[:, :, 0].copy() if kind == "minisblack" else smooth
        tifffile.imwrite(file, image, photometric=kind, compression="jpeg", subsampling=apart)
        wanted = imagecodecs.tiff_decode(file.getvalue()) / 255
        yield Case(f"tiff jpeg {kind} {apart}", file.getvalue(), wanted)
    for tag, value, words in (
        (254, 1, "a reduced copy or a mask"), (254, 4, "a reduced copy or a mask"),
        (254, 2, None), (50706, 1, "a raw photo"), (259, 34712, "compression 34712"),
    ):  # fmt: skip
        wanted = shares / 255 if words is None else words
        more = [] if tag == 259 else [(tag, 4, [value])]
        packing = {"compression": value} if tag == 259 else {}
        yield case(
            f"tag {tag} {value}", shares, wanted, photometric=2, check=False, more=more, **packing
        )


def tiff_cases():
    """Return all of them."""
    return [*layouts(), *alphas(), *numbers(), *predicted(), *others()]
