"""The section on training: what fits recorded, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Section

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["training_section"]


@section(order=1150, groups=("training",))
def training_section(report: Report) -> Section | None:
    """Draw each number that a fit recorded, over its epochs."""
    blocks: list[Block] = [*measure_plots(report, "training")]
    return Section("training", "Training", blocks) if blocks else None
