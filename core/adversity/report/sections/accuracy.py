"""The section on accuracy, under degradation where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.curves import is_degraded
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.charts.spreads import charts_of
from adversity.report.sections.register import section
from adversity.report.values.blocks import Section
from adversity.report.words.reading import grouped

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["accuracy_section"]


@section(order=200, groups=("accuracy",))
def accuracy_section(report: Report) -> Section | None:
    """Show accuracy, and what stands beside it, against severity for each path."""
    charts = [
        chart
        for name in grouped(report.steps, "accuracy")
        for chart in charts_of(report, name, makes=("predictions", "measure"))
    ]
    charts += measure_plots(report, "accuracy")
    if not charts:
        return None
    judged = (step for step in report.steps if step.cells)
    degraded = any(is_degraded(report, step) for step in judged)
    return Section("accuracy", "Accuracy under degradation" if degraded else "Accuracy", charts)
