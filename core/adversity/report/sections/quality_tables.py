"""Image quality as tables: a row for each cell of a few, a shaded matrix for each measure of many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.values.blocks import Section, Table
from adversity.report.words.reading import (
    across,
    grouped,
    images_before,
    labels,
    panel,
    slug,
    titles,
)
from adversity.report.words.wording import (
    NOTHING,
    capital,
    cell_text,
    measure_name,
    measure_text,
    number,
    parse_number,
    plain,
    plural,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["each_cell_section", "quality_tables"]

_MOST = 24
"""More rows are a wall: they become matrices, and stand folded at the end."""
_SHADES = 6


@section(order=1450)
def each_cell_section(report: Report) -> Section | None:
    """List every cell, folded, where matrices stand above in its place."""
    cells = _cells(report)
    if len(cells) <= _MOST or not _matrices(report, cells):
        return None
    return Section("quality-cells", "Image quality, cell by cell", [_list(cells)], folded=True)


def quality_tables(report: Report) -> list[Table]:
    """Tabulate what images are worth against the clean ones; what another step repeats, once."""
    cells = _cells(report)
    if not cells:
        return []
    matrices = _matrices(report, cells) if len(cells) > _MOST else []
    return matrices or [_list(cells)]


def _cells(report: Report) -> list[tuple[StepSummary, CellResult]]:
    """Return each cell with a quality; of steps that saw the same images the first."""
    steps = [step for step in report.steps if step.kind != "attack"]
    names = grouped(steps, "quality")
    seen: set[object] = set()
    cells = []
    for step in steps:
        for cell in step.shown:
            own = {name: cell.measures[name].value for name in names if name in cell.measures}
            said = (images_before(report, step), tuple(cell.cell.items()), tuple(own.items()))
            if own and said not in seen:
                seen.add(said)
                cells.append((step, cell))
    return cells


def _list(cells: Sequence[tuple[StepSummary, CellResult]]) -> Table:
    steps = [step for step, _ in cells]
    names = grouped(steps, "quality")
    heads = tuple(titles(steps, names).values())
    return Table(
        "image-quality",
        "Image quality against the clean image: mean, interval, n.",
        ("step", "cell", *heads),
        tuple(
            (
                step.id,
                cell_text(cell.cell) or NOTHING,
                *(
                    measure_text(cell.measures[name]) if name in cell.measures else NOTHING
                    for name in names
                ),
            )
            for step, cell in cells
        ),
        numeric=frozenset(heads),
        sortable=True,
    )


def _matrices(report: Report, cells: Sequence[tuple[StepSummary, CellResult]]) -> list[Table]:
    """Return a matrix for each measure, with a number across; none where no variable is one."""
    axis = across((cell for _, cell in cells), "severity")
    if axis is None:
        return []
    names = labels(report, (step for step, _ in cells))
    tables = []
    for name in grouped((step for step, _ in cells), "quality"):
        rows: dict[str, dict[str, Measure]] = {}
        for step, cell in cells:
            if name in cell.measures:
                label = ", ".join(part for part in (names[step.id], panel(cell.cell, axis)) if part)
                rows.setdefault(label, {})[cell.cell.get(axis, NOTHING)] = cell.measures[name]
        tables.append(_matrix(name, axis, _without_what_all_say(rows)))
    return tables


def _without_what_all_say(
    rows: Mapping[str, Mapping[str, Measure]],
) -> dict[str, Mapping[str, Measure]]:
    """Return rows whose labels have lost the words that all begin with: `worse, corruption = `."""
    first, *others = rows
    length = 0
    for at, letter in enumerate(first):
        if not all(other.startswith(first[: at + 1]) for other in others):
            break
        length = at + 1 if letter in " =" else length
    return {row[length:] if others else row: cells for row, cells in rows.items()}


def _matrix(name: str, axis: str, rows: Mapping[str, Mapping[str, Measure]]) -> Table:
    """Lay one measure out, each value in a shade: the stronger, the higher."""
    every = [measure for own in rows.values() for measure in own.values()]
    places = {place for own in rows.values() for place in own}
    columns = sorted(places, key=lambda place: (place != NOTHING, parse_number(place) or 0.0))
    ends = _ends(every)
    title = capital(measure_name(name, every[0]))
    unit = written(every[0]).unit
    heads = tuple(
        f"{plain(axis)} {place}" if at == 0 else place for at, place in enumerate(columns)
    )
    cells = [[own.get(place) for place in columns] for own in rows.values()]
    return Table(
        slug(f"image-quality-{name}"),
        f"{title}{f' in {unit}' if unit else ''} against the clean image, mean; the stronger the colour, the "
        f"higher. {_widest(every)} Cell by cell at the end of this page.",
        (plain(title), *heads),
        tuple(
            (label, *(NOTHING if one is None else _value(one) for one in line))
            for label, line in zip(rows, cells, strict=True)
        ),
        numeric=frozenset(heads),
        sortable=True,
        shades=tuple(tuple(_shade(one, ends) for one in line) for line in cells),
    )


def _value(measure: Measure) -> str:
    shown = written(measure)
    return number(shown.value, shown.unit)


def _widest(measures: Sequence[Measure]) -> str:
    """Say of how many images the values are, and how wide their intervals are at most."""
    counts = [measure.n for measure in measures]
    told = f"n = {min(counts):,}" + (f" to {max(counts):,}" if min(counts) < max(counts) else "")
    shown = [written(measure) for measure in measures]
    widths = [one.high - one.low for one in shown if one.low is not None and one.high is not None]
    if not widths or not math.isfinite(max(widths)):
        return f"{plural(len(measures), 'cell')}, {told}."
    half = number(max(widths) / 2, shown[0].unit)
    return f"{plural(len(measures), 'cell')}, {told}; intervals of 95 % reach at most {half} to a side."


def _ends(measures: Sequence[Measure]) -> tuple[float, float]:
    values = [measure.value for measure in measures if math.isfinite(measure.value)]
    return (min(values), max(values)) if values else (0.0, 0.0)


def _shade(measure: Measure | None, ends: tuple[float, float]) -> int:
    """Return 0 for the lowest value to 6 for the highest; 0 for what is not there."""
    low, high = ends
    if measure is None or high <= low:
        return 0
    share = min(1.0, max(0.0, (measure.value - low) / (high - low)))
    return round(_SHADES * share)
