"""From an image that Pillow has opened to an array that holds every bit of it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity_plugins.dataset._read_images.layouts import Layout, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["to_array"]

Array = np.ndarray[Any, Any]
_GREY = ("1", "L", "LA", "La")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_STRIP = 2**18
"""Pixels worked on at once, so that what is held beside the image stays small."""


def to_array(
    image: ImageFile, layout: Layout, background: Literal["white", "black"]
) -> tuple[Array, bool]:
    """Decode an image.

    Args:
        image: Opened, not yet loaded.
        layout: Of its file.
        background: What transparent pixels are laid on.

    Returns:
        `[H, W]` or `[H, W, 3]`, uint8 or float32 in [0, 1], and whether anything was laid on
        the background.
    """
    if layout.wide:
        return _wide(image, layout, white=background == "white")
    box = _box(image, layout)
    _load(image, layout)
    if image.mode.startswith("I"):
        return _deep_grey(image, layout, white=background == "white")
    if image.mode == "F":
        return _float_grey(image), False
    _require_entries(image)
    if layout.premultiplied:
        return _premultiplied(np.asarray(image), white=background == "white")
    if box is not None or image.mode in _TRANSPARENT or "transparency" in image.info:
        return _lay_on(image, background, box)
    mode = "L" if image.mode in _GREY else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode)), False


def _load(image: ImageFile, layout: Layout) -> None:
    """Decode, with the settings that Pillow needs for the layout."""
    from PIL import ImagePalette

    if layout.premultiplied:
        image.tile = [_with_mode(tile, _as_stored) for tile in image.tile]
    if layout.colours is not None:
        image.palette = ImagePalette.raw("RGB;L", layout.colours)
    image.load()
    if layout.clear is not None:
        image.info["transparency"] = _in_eight_bits(layout)


def _with_mode(tile: Any, change: Any) -> Any:
    """Change the raw mode in a decoder's arguments."""
    arguments = tile.args
    if isinstance(arguments, tuple):
        return tile._replace(args=(change(arguments[0]), *arguments[1:]))
    return tile._replace(args=change(arguments))


def _as_stored(mode: str) -> str:
    """Take colours that are multiplied by alpha as they stand; Pillow would divide and round."""
    return mode.replace("RGBa", "RGBA")


def _swapped(mode: str) -> str:
    """Take the other byte of each value for the high one."""
    native = "L" if sys.byteorder == "little" else "B"
    order = native if mode[-1] == "N" else mode[-1]
    return mode[:-1] + ("B" if order == "L" else "L")


def _box(image: ImageFile, layout: Layout) -> tuple[int, int, int, int] | None:
    """Return the part of the canvas that the first frame covers, or None if all of it.

    Raises:
        Unreadable: If the frame reaches beyond the canvas.
    """
    box = layout.box
    canvas = image.size
    if image.format == "GIF":
        box = image.tile[0].extents
        screen = layout.content[6:10]
        canvas = int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:], "little")
    if box is None or box == (0, 0, *canvas):
        return None
    if box[2] > canvas[0] or box[3] > canvas[1]:
        raise Unreadable("damaged: the first frame reaches beyond the canvas")
    return box


def _require_entries(image: Image) -> None:
    palette = image.getpalette() if image.mode == "P" else None
    if palette is None:
        return
    entries, highest = len(palette) // 3, int(image.getextrema()[1])  # type: ignore[arg-type]
    if highest >= entries:
        raise Unreadable(f"damaged: a pixel has colour {highest} of a palette of {entries}")


def _in_eight_bits(layout: Layout) -> int | tuple[int, ...]:
    """Return the transparent colour as Pillow holds it: few bits are spread to 0 to 255."""
    assert layout.clear is not None  # noqa: S101  (checked by the caller)
    if len(layout.clear) == 3:
        return layout.clear
    depth = int(layout.content[24])
    return int(layout.clear[0] * 255 // (2**depth - 1))


def _deep_grey(image: ImageFile, layout: Layout, *, white: bool) -> tuple[Array, bool]:
    if not image.mode.startswith("I;16"):
        raise Unreadable("32-bit integers have no known white; save it with 8 or 16 bits")
    values = np.asarray(image)
    pixels = values.astype(np.float32)
    pixels /= np.float32(layout.white)
    if layout.inverted:
        np.subtract(1, pixels, out=pixels)
    if layout.clear is None:
        return pixels, False
    clear = values == layout.clear[0]
    pixels[clear] = float(white)
    return pixels, bool(clear.any())


def _float_grey(image: Image) -> Array:
    values = np.asarray(image, dtype=np.float32)
    if not (float(values.min()) >= 0.0 and float(values.max()) <= 1.0):
        raise Unreadable(
            f"floating-point values must lie in [0, 1], got {values.min():g} .. {values.max():g}"
        )
    return values


def _premultiplied(values: Array, *, white: bool) -> tuple[Array, bool]:
    """Lay colours that are multiplied by alpha on the background: exact in whole numbers."""
    alpha = values[:, :, -1:]
    room = np.uint8(255) - alpha
    colour = np.minimum(values[:, :, :-1], alpha)
    laid = colour + room if white else colour
    return (laid[:, :, 0] if laid.shape[2] == 1 else laid), bool(room.any())


def _lay_on(
    image: Image, background: str, box: tuple[int, int, int, int] | None
) -> tuple[Array, bool]:
    from PIL.Image import alpha_composite, new

    if box is not None:
        frame = image.crop(box).convert("RGBA")
        image = new("RGBA", image.size, (0, 0, 0, 0))
        image.paste(frame, box)
    grey = image.mode in _GREY
    done = np.empty((image.height, image.width, *(() if grey else (3,))), np.uint8)
    seen = False
    for part in _strips(image):
        layered = image.crop(part).convert("RGBA")
        if np.asarray(layered.getchannel("A")).min() < 255:
            seen = True
            layered = alpha_composite(new("RGBA", layered.size, background), layered)
        done[part[1] : part[3]] = np.asarray(layered.convert("RGB"))[:, :, 0 if grey else slice(3)]
    return done, seen


def _strips(image: Image) -> Iterator[tuple[int, int, int, int]]:
    """Yield the strips that an image is worked on in, as (left, top, right, bottom)."""
    width, height = image.size
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(height, top + rows)


def _wide(image: ImageFile, layout: Layout, *, white: bool) -> tuple[Array, bool]:
    """Return colours of 16 bits, or grey of 16 bits with alpha, as float32.

    Pillow keeps the high byte of each value. Told that the bytes stand in the other order, it
    keeps the low one; grey with alpha, read as RGBA of 8 bits, it keeps as it is.
    """
    done: Array | None = None
    seen = False
    for top, values in _sixteen(image, layout):
        strip, clear = _laid(values, layout, white=white)
        if done is None:
            done = np.empty((image.height, *strip.shape[1:]), np.float32)
        done[top : top + len(strip)] = strip
        seen |= clear
    assert done is not None  # noqa: S101  (an image has a row)
    return done, seen


def _sixteen(image: ImageFile, layout: Layout) -> Iterator[tuple[int, Array]]:
    """Yield the values of some rows at a time, uint16 `[rows, W, C]`, with the first row."""
    from PIL.Image import open as open_image

    grey = image.format == "PNG" and layout.content[25] == 4
    image.tile = [
        _with_mode(tile, (lambda _: "RGBA") if grey else _as_stored) for tile in image.tile
    ]
    with open_image(io.BytesIO(layout.content), formats=[str(image.format)]) as low:
        if not grey:
            low.tile = [_with_mode(tile, lambda m: _swapped(_as_stored(m))) for tile in low.tile]
            low.load()
        image.load()
        for part in _strips(image):
            high = np.asarray(image.crop(part))
            if grey:
                yield part[1], high.view(">u2")
            else:
                yield part[1], high.astype(np.uint16) << 8 | np.asarray(low.crop(part))


def _laid(values: Array, layout: Layout, *, white: bool) -> tuple[Array, bool]:
    """Return `[rows, W]` or `[rows, W, 3]` float32 of 16-bit values, laid on the background."""
    pixels = values.astype(np.float32)
    pixels /= np.float32(65535)
    back = np.float32(white)
    clear = False
    if values.shape[2] in (2, 4):
        colour, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
        part = colour if layout.premultiplied else colour * alpha
        pixels = np.where(alpha == 1, colour, np.minimum(part + back * (1 - alpha), 1))
        clear = bool((alpha < 1).any())
    elif layout.clear is not None:
        here = (values == np.array(layout.clear, np.uint16)).all(axis=2)
        pixels[here] = back
        clear = bool(here.any())
    return (pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), clear
