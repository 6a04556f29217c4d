"""What the report says of inspections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report import Section, Text, section

if TYPE_CHECKING:
    from adversity.report import Report


@section(order=250, groups=("inspections",))
def inspections(report: Report) -> Section | None:
    """Return a sentence for each cell of each step that inspects."""
    said = [
        f"{step.id} {' '.join(cell.cell.values())}".strip()
        + f": {cell.measures['mean_inspection'].value:.3f} on average over {cell.n} images."
        for step in report.steps
        if step.makes == "inspections"
        for cell in step.cells
    ]
    return Section("inspections", "Inspections", [Text(text) for text in said]) if said else None
