"""The section on measures of groups that no other section shows: those of third parties, mostly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.measure_plots import measure_plots
from adversity.report.charts.spreads import charts_of
from adversity.report.sections.register import registered, section
from adversity.report.values.blocks import Block, Section, Text
from adversity.report.words.reading import grouped
from adversity.report.words.wording import capital

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["further_section"]


@section(order=700)
def further_section(report: Report) -> Section | None:
    """Draw every measure whose group no section takes, a part for each group."""
    taken = {group for item in registered() for group in item.groups}
    measures = (m for step in report.steps for cell in step.cells for m in cell.measures.values())
    groups = dict.fromkeys(measure.info.group for measure in measures)
    blocks: list[Block] = []
    for group in (name for name in groups if name and name not in taken):
        names = grouped(report.steps, group)
        charts = [chart for name in names for chart in charts_of(report, name)]
        lead = Text("", lead=f"{capital(group)}.")
        blocks += [lead, *charts, *measure_plots(report, group)]
    return Section("further", "Further measures", blocks) if blocks else None
