"""JPEG's arithmetic on planes: blocks of 8 x 8, cosines, tables, and what is known of them.

Values are those of a JPEG file, 0 to 255 less 128. Rounding to a table loses a number's place in
an interval; what is left of the image is the set of images whose numbers lie in their intervals.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from adversity_plugins.restoration.denoise._mirror import cosines

__all__ = [
    "BLOCK",
    "blocks_of",
    "from_luma",
    "likely_quality",
    "plane_of",
    "projected",
    "reapplied",
    "smoothed_colour",
    "table_of",
    "to_luma",
]

BLOCK = 8
_SHIFT = 128.0
_FIT = 0.25
"""Mean squared distance of coefficients from their steps; rounding to 8 bits has 1/12."""
_NEAR = 8
_MOST = 4096
"""Blocks that a quality is estimated from at most."""

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *[(99,) * 8] * 4,
)
"""Tables K.1 and K.2 of ITU-T T.81."""

_MATRIX = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
"""From R, G and B to Y, Cb and Cr (JFIF)."""


def table_of(quality: int, like: Tensor, *, chroma: bool = False) -> Tensor:
    """Return the steps of a quality from 1 to 100 as libjpeg scales them, `[8, 8]`."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_CHROMA if chroma else _LUMA)
    return ((base * scale + 50) // 100).clamp(1, 255).to(like)


def to_luma(image: Tensor) -> Tensor:
    """Return Y, Cb and Cr, Y less 128, of `[1 or 3, H, W]` in [0, 1]; grey is Y."""
    planes = image * 255
    if len(image) == 3:
        planes = torch.tensordot(torch.tensor(_MATRIX).to(image), planes, dims=1)
    shift = planes.new_zeros(len(planes), 1, 1)
    shift[0] = _SHIFT
    return planes - shift


def from_luma(planes: Tensor) -> Tensor:
    """Undo `to_luma`."""
    shift = planes.new_zeros(len(planes), 1, 1)
    shift[0] = _SHIFT
    image = planes + shift
    if len(image) == 3:
        matrix = torch.linalg.inv(torch.tensor(_MATRIX).double()).to(image)
        image = torch.tensordot(matrix, image, dims=1)
    return image / 255


def blocks_of(plane: Tensor) -> Tensor:
    """Return the cosine coefficients of `[H, W]`, sides multiples of 8, `[H / 8, W / 8, 8, 8]`."""
    wave = cosines(BLOCK, plane)
    height, width = plane.shape
    blocks = plane.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).permute(0, 2, 1, 3)
    return wave @ blocks @ wave.T


def plane_of(blocks: Tensor) -> Tensor:
    """Undo `blocks_of`."""
    wave = cosines(BLOCK, blocks)
    rows, columns = blocks.shape[:2]
    values = wave.T @ blocks @ wave
    return values.permute(0, 2, 1, 3).reshape(rows * BLOCK, columns * BLOCK)


def projected(plane: Tensor, given: Tensor, table: Tensor, width: float) -> Tensor:
    """Return the nearest plane whose coefficients round to those of `given`.

    Args:
        plane: `[H, W]`, sides multiples of 8.
        given: Alike, the decoded plane.
        table: `[8, 8]`.
        width: Of the intervals, as a share of a step.
    """
    steps = (blocks_of(given) / table).round()
    least, most = (steps - width / 2) * table, (steps + width / 2) * table
    return plane_of(torch.maximum(torch.minimum(blocks_of(plane), most), least))


def reapplied(plane: Tensor, table: Tensor) -> Tensor:
    """Return the mean over all 64 places of the grid of the plane rounded to a table there.

    Beyond the border of `[H, W]`, sides multiples of 8, its last pixels are repeated.
    """
    height, width = plane.shape
    wide = pad(plane[None, None], (BLOCK,) * 4, mode="replicate")[0, 0]
    total = torch.zeros_like(plane)
    for down in range(BLOCK):
        for right in range(BLOCK):
            part = wide[down : down + height + BLOCK, right : right + width + BLOCK]
            rounded = plane_of((blocks_of(part) / table).round() * table)
            total += rounded[BLOCK - down :, BLOCK - right :][:height, :width]
    return total / BLOCK**2


def smoothed_colour(plane: Tensor, table: Tensor) -> Tensor:
    """Return Cb or Cr, `[H, W]`, sides multiples of 16, with what is done to it at half the size."""
    small = avg_pool2d(plane[None, None], 2)
    change = reapplied(small[0, 0], table) - small[0, 0]
    answer: Tensor = plane + interpolate(change[None, None], scale_factor=2, mode="bilinear")[0, 0]
    return answer


def likely_quality(image: Tensor) -> int:
    """Return the lowest quality whose steps coefficients of Y lie on; that of no JPEG is high.

    Blocks with a value of 0 or 1 are left out where there are others: what was cut off there is
    not known.

    Args:
        image: `[1 or 3, H, W]` in [0, 1].

    Reference: Fan, de Queiroz, "Identification of bitmap compression history: JPEG detection and
    quantizer estimation", 2003.
    """
    height, width = (side // BLOCK * BLOCK for side in image.shape[1:])
    if not height or not width:
        return 100
    whole = image[:, :height, :width].double()
    blocks = blocks_of(to_luma(whole)[0]).flatten(0, 1)
    cut = ((whole <= 0) | (whole >= 1)).any(0)
    cut = cut.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).any(3).any(1).flatten()
    if not bool(cut.all()):
        blocks = blocks[~cut]
    blocks = blocks[:: -(-len(blocks) // _MOST)]
    # Neighbours share most of a table: the best of those that follow the first that fits.
    for quality in range(1, 101):
        if _missed(blocks, quality) <= _FIT:
            near = range(quality, min(quality + _NEAR, 101))
            return min(near, key=lambda other: _missed(blocks, other))
    return 100


def _missed(blocks: Tensor, quality: int) -> float:
    """Return the mean squared distance of coefficients from the steps of a quality."""
    table = table_of(quality, blocks)
    return float((blocks - (blocks / table).round() * table).square().mean())
