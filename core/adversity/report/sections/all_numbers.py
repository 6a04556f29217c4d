"""The section with every measure of every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.values.blocks import MAX_ROWS, Block, Section, Table, Text
from adversity.report.words.wording import (
    NOTHING,
    cell_text,
    interval_text,
    measure_name,
    pairs,
    value_text,
)

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["raw_section"]


@section(order=1500)
def raw_section(report: Report) -> Section | None:
    """List every measure of every cell."""
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            measure_name(name, measure),
            value_text(measure),
            interval_text(measure),
            f"{measure.n:,}",
            pairs(measure.convention),
        )
        for step in report.steps
        for cell in step.cells
        for name, measure in cell.measures.items()
    )
    if not rows:
        return None
    heads = ("step", "cell", "measure", "value", "interval", "n", "convention")
    numeric = frozenset({"value", "interval", "n"})
    caption = "Every measure of every cell."
    if len(rows) > MAX_ROWS:
        caption = (
            f"The first {MAX_ROWS} of {len(rows):,} measures; all are in the JSON of this report."
        )
    table = Table("measures", caption, heads, rows[:MAX_ROWS], numeric=numeric)
    notes = tuple(
        f"{step.id}{f' ({cell_text(cell.cell)})' if cell.cell else ''}: {note}"
        for step in report.steps
        for cell in step.cells
        for note in cell.notes
    ) + tuple(f"{step.id}: {note}" for step in report.steps for note in step.notes)
    blocks: list[Block] = [table]
    if notes:
        blocks.append(Text("Notes", items=notes[:MAX_ROWS]))
    return Section("raw", "All numbers", blocks, folded=True)
