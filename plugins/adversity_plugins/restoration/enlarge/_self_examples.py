"""Patches of an image that look like its own patches at a coarser scale, turned and stretched.

Every patch of a soft image has a place, a size and an angle in another image, where a patch looks
most like it. They are found by PatchMatch: places are handed on between neighbours, moved along,
and varied at random, less and less. All patches of the image take each step at once.

Reference: Huang, Singh, Ahuja, "Single image super-resolution from transformed self-exemplars",
2015, section 3; Barnes et al., "The generalized PatchMatch correspondence algorithm", 2010.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SIDE", "Field", "borrowed", "matched", "sampled"]

SIDE = 5
"""Pixels of a patch, along each side."""
_STRIDE = 2
_HALF = SIDE // 2
_MOST_STRETCH, _MOST_TURN = 0.25, 0.5
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_LEAST, _BENT = 0.25, 8.0
"""Pixels: the smallest random step, and that from which on places are bent by all that is allowed."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where each of P patches is taken from.

    Attributes:
        y: `[P]`, the middle's row in the source, between pixels too.
        x: `[P]`, its column.
        stretch: `[P]`, log of how many pixels of the source one of the patch is.
        turn: `[P]`, in radians, from y to x.
    """

    y: Tensor
    x: Tensor
    stretch: Tensor
    turn: Tensor

    def along(self, down: Tensor | float, right: Tensor | float) -> tuple[Tensor, Tensor]:
        """Return the place of a pixel so far from the middle of each patch."""
        size = self.stretch.exp()
        cosine, sine = size * self.turn.cos(), size * self.turn.sin()
        return self.y + cosine * down + sine * right, self.x - sine * down + cosine * right

    def inside(self, height: int, width: int) -> Field:
        """Return it with middles in a source of this size, stretched and turned within bounds."""
        return Field(
            self.y.clamp(0, height - 1),
            self.x.clamp(0, width - 1),
            self.stretch.clamp(-_MOST_STRETCH, _MOST_STRETCH),
            self.turn.clamp(-_MOST_TURN, _MOST_TURN),
        )

    def varied(self, radius: float, share: float, draw: torch.Generator) -> Field:
        """Return it moved by up to `radius` pixels, and bent by a share of the bounds."""
        drawn = 2 * torch.rand(4, len(self.y), generator=draw).to(self.y) - 1
        return Field(
            self.y + radius * drawn[0],
            self.x + radius * drawn[1],
            self.stretch + share * _MOST_STRETCH * drawn[2],
            self.turn + share * _MOST_TURN * drawn[3],
        )

    def of_neighbours(self, grid: tuple[int, int], down: int, right: int) -> Field:
        """Return for each patch what the one so far before it has, gone on by as much."""
        before = Field(
            *(
                torch.roll(value.view(grid), (down, right), (0, 1)).reshape(-1)
                for value in (self.y, self.x, self.stretch, self.turn)
            )
        )
        y, x = before.along(_STRIDE * down, _STRIDE * right)
        return Field(y, x, before.stretch, before.turn)

    def where(self, better: Tensor, other: Field) -> Field:
        """Return the other's values where it is better."""
        return Field(
            torch.where(better, other.y, self.y),
            torch.where(better, other.x, self.x),
            torch.where(better, other.stretch, self.stretch),
            torch.where(better, other.turn, self.turn),
        )


def sampled(image: Tensor, field: Field) -> Tensor:
    """Return the patches of an image at a field, `[P, 25]`, by bilinear interpolation.

    Args:
        image: `[1, 1, h, w]`; it goes on as at its border.
        field: Where.
    """
    height, width = image.shape[2:]
    steps = torch.arange(SIDE, device=image.device) - _HALF
    down, right = steps.repeat_interleave(SIDE), steps.repeat(SIDE)
    spread = Field(*(value[:, None] for value in (field.y, field.x, field.stretch, field.turn)))
    y, x = spread.along(down, right)
    places = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)[None]
    return functional.grid_sample(
        image, places, mode="bilinear", padding_mode="border", align_corners=True
    )[0, 0]


def _levelled(patches: Tensor) -> Tensor:
    return patches - patches.mean(1, keepdim=True)


def matched(soft: Tensor, source: Tensor, *, turns: int) -> tuple[Field, Tensor]:
    """Find for every second patch of an image, along each side, where it is found in a source.

    Args:
        soft: `[1, 1, H, W]`.
        source: `[1, 1, h, w]`, as soft; the image's pixel y is at (y + 0.5) h / H - 0.5 of it.
        turns: How often places are handed on, and varied over the whole source.

    Returns:
        The field of P patches, row by row, and the sum of squares by which each differs from what
        is found, both without their means.
    """
    around = functional.pad(soft, (_HALF,) * 4, mode="replicate")
    wanted = _levelled(functional.unfold(around, SIDE, stride=_STRIDE)[0].T)
    grid = -(-soft.shape[2] // _STRIDE), -(-soft.shape[3] // _STRIDE)
    height, width = source.shape[2:]
    rows, columns = (
        ((_STRIDE * torch.arange(count, device=soft.device) + 0.5) * small / large - 0.5)
        for count, small, large in zip(grid, source.shape[2:], soft.shape[2:], strict=True)
    )
    middle = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).reshape(2, -1)
    still = torch.zeros_like(middle[0])
    field = Field(middle[0], middle[1], still, still).inside(height, width)
    misfit = _misfit(source, field, wanted)
    draw = torch.Generator().manual_seed(0)  # the same for every image: nothing is left to chance
    for _ in range(turns):
        for change in _changes(grid, max(height, width) / 2, draw):
            other = change(field).inside(height, width)
            told = _misfit(source, other, wanted)
            better = told < misfit
            field, misfit = field.where(better, other), torch.where(better, told, misfit)
    return field, misfit


def _misfit(source: Tensor, field: Field, wanted: Tensor) -> Tensor:
    """Return the sum of squares between patches `[P, 25]`, each without its mean, `[P]`."""
    return (_levelled(sampled(source, field)) - wanted).square().sum(1)


def _changes(
    grid: tuple[int, int], radius: float, draw: torch.Generator
) -> Iterator[Callable[[Field], Field]]:
    """Yield what is tried in a turn: the neighbours' fields, then less and less far changes."""
    for down, right in _NEIGHBOURS:
        yield partial(Field.of_neighbours, grid=grid, down=down, right=right)
    while radius >= _LEAST:
        share = min(1.0, radius / _BENT)
        yield partial(Field.varied, radius=radius, share=share, draw=draw)
        radius /= 2


def borrowed(detail: Tensor, field: Field, height: int, width: int) -> Tensor:
    """Put the patches of a source together where they were found to belong.

    Args:
        detail: `[1, 1, h, w]`, from which patches are taken.
        field: Of the patches of `[1, 1, height, width]`, as `matched` has them.
        height: Of the answer.
        width: Of the answer.

    Returns:
        `[1, 1, height, width]`, at each pixel the mean of the patches that it is in.
    """
    rows = sampled(detail, field)
    size = (height + 2 * _HALF, width + 2 * _HALF)
    total, count = (
        functional.fold(value.T[None], size, SIDE, stride=_STRIDE)
        for value in (rows, torch.ones_like(rows))
    )
    inside = (..., slice(_HALF, _HALF + height), slice(_HALF, _HALF + width))
    answer: Tensor = total[inside] / count[inside]
    return answer
