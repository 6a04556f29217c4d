"""Patches that look alike: where they are, and how they are taken out and put back."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

SIDE = 8
"""Of a patch, in pixels; sums over it are made by doubling."""

_BAND = 16_384
"""So many reference patches at once: what large images hold in memory stays bounded."""


def references(length: int, step: int, like: Tensor) -> Tensor:
    """Return where reference patches begin along a side: every so many pixels, and the last."""
    import torch

    starts = torch.arange(0, length - SIDE + 1, step, device=like.device)
    last = starts.new_tensor([length - SIDE])
    return starts if starts[-1] == last else torch.cat([starts, last])


def groups(plane: Tensor, *, most: int, limit: float, reach: int, step: int) -> list[Tensor]:
    """Return for each reference patch the patches nearest to it in squared difference.

    Args:
        plane: `[H, W]`, both at least 8.
        most: How many at most, a power of two.
        limit: Up to which mean squared difference; the number is brought down to a power of two.
        reach: How far to look along each side, in pixels.
        step: Distance of reference patches, in pixels.

    Returns:
        Places `[G, K]` for each K that occurs, the small ones first; of each row the reference is
        the first. A place is row * (W - 7) + column.
    """
    import torch

    found: dict[int, list[Tensor]] = {}
    for places, distances in _nearest(plane, most, reach, step):
        count = (distances <= limit).sum(1).clamp(min=1)
        size = 2 ** count.double().log2().floor().long()
        for here in torch.unique(size).tolist():
            found.setdefault(here, []).append(places[size == here, :here])
    return [torch.cat(found[size]) for size in sorted(found)]


def _nearest(plane: Tensor, most: int, reach: int, step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield places and mean squared differences `[R, K]`, rising, for bands of references."""
    import torch

    height, width = plane.shape
    columns = references(width, step, plane)
    moves = [
        (down, right)
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
        if abs(down) <= height - SIDE and abs(right) <= width - SIDE
    ]
    steps = torch.tensor([down * (width - SIDE + 1) + right for down, right in moves])
    steps = steps.to(plane.device)
    for rows in torch.split(references(height, step, plane), max(1, _BAND // len(columns))):
        table = plane.new_full((len(moves), len(rows), len(columns)), float("inf"))
        _fill(table, plane, moves, rows, columns)
        flat = table.flatten(1).T.contiguous()
        distances, which = flat.topk(min(most, len(moves)), dim=1, largest=False, sorted=True)
        here = (rows[:, None] * (width - SIDE + 1) + columns).flatten()
        yield here[:, None] + steps[which], distances


def _fill(
    table: Tensor,
    plane: Tensor,
    moves: list[tuple[int, int]],
    rows: Tensor,
    columns: Tensor,
) -> None:
    """Write the mean squared difference of each reference patch and the one moved from it.

    The patch itself has -1, so that it comes first whatever is equal to it. Half of the moves
    are computed: of a pair of patches the difference is one.
    """
    height, width = plane.shape
    place = {move: number for number, move in enumerate(moves)}
    lines = _Line(rows, rows.tolist()), _Line(columns, columns.tolist())
    first, last = lines[0].numbers[0], lines[0].numbers[-1]
    for down, right in moves:
        if (down, right) < (0, 0):
            continue
        top, bottom = max(0, first - down), min(height - down, last + SIDE)
        if bottom - top < SIDE:
            continue
        left, stop = max(0, -right), min(width, width - right)
        here = plane[top:bottom, left:stop]
        there = plane[top + down : bottom + down, left + right : stop + right]
        apart = here - there
        sums = _boxes(apart * apart) / SIDE**2
        for sign in (1, -1):
            into = table[place[sign * down, sign * right]]
            moved = (down, right) if sign < 0 else (0, 0)
            _copy(into, sums, lines, top + moved[0], left + moved[1])
    table[place[0, 0]] = -1


def _copy(into: Tensor, sums: Tensor, lines: tuple[_Line, _Line], top: int, left: int) -> None:
    """Write sums, whose first is at (top, left), into a table of places, where they are inside."""
    rows, columns = (
        line.inside(start, length)
        for line, start, length in zip(lines, (top, left), sums.shape, strict=True)
    )
    values = sums.index_select(0, lines[0].places[rows] - top)
    into[rows, columns] = values.index_select(1, lines[1].places[columns] - left)


@dataclass(frozen=True, slots=True)
class _Line:
    """Where reference patches begin along a side, as a tensor and as numbers, rising."""

    places: Tensor
    numbers: list[int]

    def inside(self, start: int, length: int) -> slice:
        """Return which of them lie in [start, start + length)."""
        return slice(bisect_left(self.numbers, start), bisect_left(self.numbers, start + length))


def _boxes(values: Tensor) -> Tensor:
    """Return the sums over all 8 x 8 boxes, by doubling."""
    for width in (1, 2, 4):
        values = values[:, :-width] + values[:, width:]
    for width in (1, 2, 4):
        values = values[:-width] + values[width:]
    return values


def haar(size: int, like: Tensor) -> Tensor:
    """Return the orthonormal Haar transform of a power of two, `[size, size]`."""
    import torch

    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < size:
        coarse = torch.kron(matrix, torch.tensor([[1.0, 1.0]], dtype=torch.float64))
        fine = torch.kron(torch.eye(len(matrix)).double(), torch.tensor([[1.0, -1.0]]).double())
        matrix = torch.cat([coarse, fine]) / 2**0.5
    return matrix.to(like)
