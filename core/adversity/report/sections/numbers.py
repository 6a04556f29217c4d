"""The section on numbers that were estimated: errors, and whether variances are as wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.curves import curve_charts
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Section, Text
from adversity.report.words.reading import grouped

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["numbers_section"]


@section(order=210, groups=("regression",))
def numbers_section(report: Report) -> Section | None:
    """Show errors, likelihood and coverage against severity for each path."""
    names = grouped(report.steps, "regression")
    charts: list[Block] = [chart for name in names for chart in curve_charts(report, name)]
    charts += measure_plots(report, "regression")
    if not charts:
        return None
    named = dict.fromkeys(name for item in report.data for name in item.target_names)
    lead = Text(f"What is estimated: {', '.join(named)}.") if named else None
    degraded = any(step.kind == "degradation" for step in report.steps)
    title = "Estimated numbers under degradation" if degraded else "Estimated numbers"
    return Section("numbers", title, [*([lead] if lead else []), *charts])
