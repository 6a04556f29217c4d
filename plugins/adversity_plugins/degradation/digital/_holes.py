"""Shapes that hide parts of an image: rectangles, strokes of a pen, lines of text.

Each draws shapes one after another until enough pixels are hidden. A larger share goes on where
a smaller one stopped, so that its hole contains the other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from adversity_plugins.degradation.digital import _glyphs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from adversity import SampleRng

__all__ = ["HoleKind", "hidden"]

HoleKind: TypeAlias = Literal["rectangles", "strokes", "text"]

_BATCH = 16
"""Shapes whose numbers are drawn together."""
_BENDS = 6
"""Straight parts of a stroke."""


def hidden(kind: HoleKind, rng: SampleRng, height: int, width: int, share: float) -> Tensor:
    """Return `[N, 1, H, W]` bool, True in the holes: at least `share` of each image's pixels.

    Args:
        kind: Which shapes.
        rng: Row i for image i.
        height: H.
        width: W.
        share: Of the pixels, below 1.
    """
    import torch

    return torch.stack(
        [_one(kind, rng.rows([row]), height, width, share) for row in range(len(rng))]
    ).unsqueeze(1)


def _one(kind: HoleKind, rng: SampleRng, height: int, width: int, share: float) -> Tensor:
    """Return `[H, W]` for the one image of a stream."""
    import torch

    hole = torch.zeros(height, width, dtype=torch.bool)
    enough = math.ceil(share * height * width)
    shapes = _SHAPES[kind](rng, height, width)
    while int(hole.sum()) < enough:
        hole |= next(shapes)
    return hole


def _rectangles(rng: SampleRng, height: int, width: int) -> Iterator[Tensor]:
    """Yield rectangles, each side from 4 to 20 % of the image's, inside it."""
    while True:
        for tall, wide, top, left in rng.uniform((_BATCH, 4))[0].tolist():
            rows = max(1, round((0.04 + 0.16 * tall) * height))
            columns = max(1, round((0.04 + 0.16 * wide) * width))
            down, across = _grid(height, width)
            first, start = int(top * (height - rows + 1)), int(left * (width - columns + 1))
            inside = (down >= first) & (down < first + rows)
            yield inside & (across >= start) & (across < start + columns)


def _strokes(rng: SampleRng, height: int, width: int) -> Iterator[Tensor]:
    """Yield strokes of a round pen that turns a little at each bend.

    The pen is 1 to 3 % of the shorter side wide, a straight part 5 to 15 % of it long.
    """
    import torch

    side = min(height, width)
    while True:
        for draws in rng.uniform((_BATCH, 4 + 2 * _BENDS))[0].tolist():
            row, column, angle, pen, *bends = draws
            row, column, angle = row * height, column * width, angle * 2 * math.pi
            reach = max(0.5, (0.01 + 0.02 * pen) * side / 2)
            stroke = torch.zeros(height, width, dtype=torch.bool)
            for turn, length in zip(bends[:_BENDS], bends[_BENDS:], strict=True):
                angle += (turn - 0.5) * math.pi / 1.5
                step = (0.05 + 0.1 * length) * side
                end = row + step * math.sin(angle), column + step * math.cos(angle)
                stroke |= _near_segment((row, column), end, height, width) <= reach
                row, column = end
            yield stroke


def _near_segment(
    start: tuple[float, float], end: tuple[float, float], height: int, width: int
) -> Tensor:
    """Return the distance of each pixel's centre from a line segment, `[H, W]` in pixels."""
    down, across = _grid(height, width)
    down, across = down + 0.5 - start[0], across + 0.5 - start[1]
    y, x = end[0] - start[0], end[1] - start[1]
    along = ((down * y + across * x) / (y * y + x * x)).clamp(0, 1)
    return ((down - along * y) ** 2 + (across - along * x) ** 2).sqrt()


def _text(rng: SampleRng, height: int, width: int) -> Iterator[Tensor]:
    """Yield lines of random capitals across the image, 6 to 10 % of its height tall.

    They begin anywhere and leave the image where it ends.
    """
    import torch

    font = _glyphs.letters()
    while True:
        for tall, top, left, *which in rng.uniform((_BATCH, 3 + 64))[0].tolist():
            dot = max(1.0, (0.06 + 0.04 * tall) * height / _glyphs.HEIGHT)
            down, across = _grid(height, width)
            row = torch.floor((down - (top * 1.1 - 0.05) * height) / dot).long()
            column = torch.floor((across - (left * 0.5 - 0.1) * width) / dot).long()
            cell = _glyphs.WIDTH + 1
            letter = torch.tensor([int(draw * _glyphs.COUNT) for draw in which])
            place = column.div(cell, rounding_mode="floor")
            inside = (row >= 0) & (row < _glyphs.HEIGHT) & (column >= 0)
            inside = inside & (column % cell < _glyphs.WIDTH)
            shown = letter[place.clamp(min=0) % len(letter)]
            dots = font[
                shown.expand(height, width),
                row.clamp(0, _glyphs.HEIGHT - 1).expand(height, width),
                (column % cell).clamp(max=_glyphs.WIDTH - 1).expand(height, width),
            ]
            yield inside & dots


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return rows `[H, 1]` and columns `[1, W]`."""
    import torch

    return torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)


_SHAPES: dict[HoleKind, Callable[[SampleRng, int, int], Iterator[Tensor]]] = {
    "rectangles": _rectangles,
    "strokes": _strokes,
    "text": _text,
}
