"""Sheets for the page: one sample through everything, as small display copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from adversity.report.sections.story import hardest_cell
from adversity.report.words.wording import cell_text, plain, plural
from adversity.report.writers.fitting import largest_that_fits
from adversity.report.writers.image_grid import STATES, Tile, encoded, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.report.charts.drawings import Drawings
    from adversity.report.values.model import Report
    from adversity.report.values.sheets import Seen, Sheet, SheetRow

__all__ = ["ShownRow", "ShownSheet", "at_a_glance", "fitting_sheets"]

SHOWN = 96
"""The longest side of an image of a sheet, in CSS pixels; 1.5 times that in a wide window."""
GLANCE = 12
"""At most so many images on the first screen."""
_SIZES = (192, 144, 96)
_METHOD_TAGS = 420


@dataclass(frozen=True, slots=True)
class ShownRow:
    """What one step made of a sample."""

    step: str
    uses: str
    tiles: tuple[Tile, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class ShownSheet:
    """One sample in the page."""

    data: str
    id: str
    label: str
    rows: tuple[ShownRow, ...]


def fitting_sheets(
    report: Report, room: int, drawings: Drawings
) -> tuple[tuple[ShownSheet, ...], str]:
    """Return the sheets that fit into so many bytes, and what had to be done for it.

    Images are made smaller first, then samples left out from the end.
    """
    shown, _ = largest_that_fits(
        _SIZES,
        room,
        lambda size: [_sheet(report, sheet, size, drawings) for sheet in report.sheets],
        lambda made: sum(map(_weight, made)),
    )
    if sum(map(_weight, shown)) <= room:
        return tuple(shown), ""
    left = len(shown)
    while shown and sum(map(_weight, shown)) > room:
        shown.pop()
    lost = left - len(shown)
    return tuple(shown), f"{plural(lost, 'sample')} of {left} left out to keep this page small."


def at_a_glance(report: Report, shown: Sequence[ShownSheet]) -> tuple[Tile, ...]:
    """Return one image of each row of the first sheet: at the story's cell, else of the last cell."""
    if not shown:
        return ()
    sheet = report.sheets[0]
    cell = hardest_cell(report)
    tiles = [
        row.tiles[_place(given, cell)] for given, row in zip(sheet.rows, shown[0].rows, strict=True)
    ]
    return tuple(tiles[:GLANCE])


def _place(row: SheetRow, cell: Mapping[str, str]) -> int:
    agreeing = [
        index
        for index, seen in enumerate(row.seen)
        if all(cell.get(name, value) == value for name, value in seen.cell.items())
    ]
    return agreeing[-1] if agreeing else len(row.seen) - 1


def _weight(sheet: ShownSheet) -> int:
    """Return about how many bytes a sheet takes: its images, and the tags around them."""
    return sum(
        300 + sum(len(tile.source) + _METHOD_TAGS for tile in row.tiles) for row in sheet.rows
    )


def _sheet(report: Report, sheet: Sheet, size: int, drawings: Drawings) -> ShownSheet:
    uses = {step.id: step.uses for step in report.steps}
    jobs = [
        partial(_tile, sheet, row.step, seen, size, drawings)
        for row in sheet.rows
        for seen in row.seen
    ]
    tiles = iter(side_by_side(jobs))
    rows = tuple(
        ShownRow(
            row.step,
            uses.get(row.step, "").partition("/")[2],
            tuple(islice(tiles, len(row.seen))),
            f"{plural(row.left_out, 'cell')} left out" if row.left_out else "",
        )
        for row in sheet.rows
    )
    return ShownSheet(sheet.data, sheet.id, sheet.label, rows)


def _tile(sheet: Sheet, step: str, seen: Seen, size: int, drawings: Drawings) -> Tile:
    source, shape, pixelated = encoded(seen.image, size, drawings, shown=SHOWN)
    sign, word = STATES.get(seen.state or "", ("", ""))
    lines = tuple(_lines(seen))
    said = "".join(f", {line}" for line in lines)
    is_ = f", is {sheet.label}" if sheet.label else ""
    alt = f"{seen.role} ({step}){said}{is_}{f', {word}' if word else ''}"
    return Tile(
        seen.role,
        step,
        source,
        *shape,
        pixelated,
        plain(alt),
        lines,
        seen.state or "",
        f"{sign} {word}".strip(),
    )


def _lines(seen: Seen) -> Iterator[str]:
    if seen.cell:
        yield cell_text(seen.cell)
    if seen.answers > 1:
        yield f"right in {seen.right} of {seen.answers} cells"
    elif seen.prediction is not None:
        sure = "" if seen.confidence is None else f" {seen.confidence:.2f}"
        yield f"{seen.prediction}{sure}"
