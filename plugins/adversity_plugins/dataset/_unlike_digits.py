"""Images that are no digits, in the form of the digits: letters, textures, faces and other parts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FILES", "LETTERS", "SIDE", "letters", "parts", "photographs"]

Array = np.ndarray[Any, Any]
SIDE = 32
FILES = ("lfw_subset.npy", "brick.png", "grass.png", "gravel.png")
"""Inside scikit-image: the first 100 images of the first are faces, the others parts of photographs
without one; the textures are 512 x 512, and 32 x 32 parts of them are taken that do not overlap."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without I and O, which nobody tells from 1 and 0."""
_EACH = 25
_CANVAS = 128
_TURN, _SHIFT = 15.0, 10.0
"""Degrees, and pixels of the canvas."""


def letters() -> Iterator[tuple[str, str, Array]]:
    """Yield id, letter and ink `[8, 8]` uint8 from 0 to 16, in the form that the digits are kept in.

    Drawn in the one typeface that Pillow brings (Aileron), each with another size, angle, place and
    weight, by the SHA-256 of its id. The ink of each 16 x 16 block is averaged.
    """
    from PIL import Image, ImageDraw, ImageFont

    for letter in LETTERS:
        for number in range(_EACH):
            name = f"letter-{letter}-{number:02d}"
            size, turn, right, down, weight = _shares(name, 5)
            font = ImageFont.load_default(84 + round(28 * size))
            canvas = Image.new("L", (_CANVAS, _CANVAS), 0)
            x, y = (_CANVAS / 2 + _SHIFT * (2 * share - 1) for share in (right, down))
            # Pens that wrote the digits were as wide as this.
            pen = 5 + round(6 * weight)
            ImageDraw.Draw(canvas).text((x, y), letter, 255, font, anchor="mm", stroke_width=pen)
            turned = canvas.rotate(_TURN * (2 * turn - 1), Image.Resampling.BILINEAR)
            blocks = np.asarray(turned, np.float64).reshape(8, 16, 8, 16).mean((1, 3))
            yield name, letter, np.rint(blocks / 255 * 16).astype(np.uint8)


def photographs(folder: Path) -> Iterator[tuple[str, str, Array]]:
    """Yield id, kind and grey levels `[32, 32]` uint8 of faces, of other parts, and of textures.

    Args:
        folder: That holds `FILES`.
    """
    from PIL import Image

    portraits = np.load(folder / FILES[0], allow_pickle=False)
    for number, face in enumerate(portraits):
        kind = "face" if number < 100 else "no_face"
        yield f"{kind}-{number:03d}", kind, _enlarged(face)
    for file in FILES[1:]:
        kind = file.removesuffix(".png")
        with Image.open(folder / file) as image:
            pixels = np.asarray(image.convert("L"))
        for number, part in enumerate(parts(pixels)):
            yield f"{kind}-{number:03d}", kind, part


def parts(pixels: Array) -> Iterator[Array]:
    """Yield the `[32, 32]` parts of an image `[H, W]` that do not overlap, row by row."""
    for top in range(0, pixels.shape[0] - SIDE + 1, SIDE):
        for left in range(0, pixels.shape[1] - SIDE + 1, SIDE):
            yield np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])


def _enlarged(image: Array) -> Array:
    """Bring `[25, 25]` in [0, 1] to 32 x 32 bilinearly, rounded to 8 bits."""
    side = len(image)
    position = np.clip((np.arange(SIDE) + 0.5) * side / SIDE - 0.5, 0, side - 1)
    left = np.minimum(position.astype(int), side - 2)
    weights = np.zeros((SIDE, side))
    weights[np.arange(SIDE), left] = 1 - (position - left)
    weights[np.arange(SIDE), left + 1] = position - left
    return np.rint(255 * np.clip(weights @ image @ weights.T, 0, 1)).astype(np.uint8)


def _shares(name: str, count: int) -> list[float]:
    """Return numbers in [0, 1) from the hash of a name, the same everywhere."""
    digest = hashlib.sha256(name.encode()).digest()
    return [int.from_bytes(digest[4 * k : 4 * k + 4], "big") / 2**32 for k in range(count)]
