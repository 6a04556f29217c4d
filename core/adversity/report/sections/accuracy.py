"""The section on accuracy, under degradation where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.curves import curve_charts
from adversity.report.sections.register import section
from adversity.report.values.blocks import Section

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["accuracy_section"]


@section(order=200)
def accuracy_section(report: Report) -> Section | None:
    """Show accuracy against severity for each path."""
    charts = curve_charts(report, "accuracy", makes="predictions")
    if not charts:
        return None
    degraded = any(step.kind == "degradation" for step in report.steps)
    return Section("accuracy", "Accuracy under degradation" if degraded else "Accuracy", charts)
