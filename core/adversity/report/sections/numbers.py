"""The section on numbers that were estimated: errors, and whether variances are as wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.curves import curve_charts, row_chart
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Section, Table, Text
from adversity.report.words.reading import grouped
from adversity.report.words.wording import NOTHING, cell_text, measure_text, plain

if TYPE_CHECKING:
    from adversity.report.values.model import ErrorGain, Report

__all__ = ["numbers_section"]


@section(order=210, groups=("regression",))
def numbers_section(report: Report) -> Section | None:
    """Show errors, likelihood and coverage against severity, and what restorations did to errors."""
    names = grouped(report.steps, "regression")
    charts: list[Block] = [chart for name in names for chart in curve_charts(report, name)]
    charts += measure_plots(report, "regression")
    if not charts:
        return None
    named = dict.fromkeys(name for item in report.data for name in item.target_names)
    lead = Text(f"What is estimated: {', '.join(named)}.") if named else None
    degraded = any(step.kind == "degradation" for step in report.steps)
    title = "Estimated numbers under degradation" if degraded else "Estimated numbers"
    return Section("numbers", title, [*([lead] if lead else []), *charts, *_gains(report)])


def _gains(report: Report) -> list[Block]:
    """Say what each restoration did to the errors of a regressor; nothing where there is none."""
    if not report.error_gains:
        return []
    text = Text(
        "Gain of a restoration is the RMSE without it minus the RMSE with it, on the same images and "
        "with the same regressor. A gain below zero is harm."
    )
    rows = [(_label(gain), gain.difference) for gain in report.error_gains]
    chart = row_chart(
        "restoration-error-gain", "Restoration: gain in RMSE", rows, top=None, zero=True
    )
    return [text, chart, _table(report)]


def _label(gain: ErrorGain) -> str:
    return plain(", ".join(part for part in (gain.after, cell_text(gain.cell)) if part))


def _table(report: Report) -> Table:
    return Table(
        "restoration-errors",
        "Errors that restoration changed. p: Student's paired test that the RMSE is the same; "
        "several cells are several tests.",
        ("step", "restoration", "cell", "gain in RMSE", "nearer", "further", "p"),
        tuple(
            (
                plain(gain.after),
                plain(gain.step),
                cell_text(gain.cell) or NOTHING,
                measure_text(gain.difference),
                f"{gain.nearer:,}",
                f"{gain.further:,}",
                NOTHING
                if (p_value := gain.difference.details.get("p_value")) is None
                else f"{p_value:.2g}",
            )
            for gain in report.error_gains
        ),
        numeric=frozenset({"gain in RMSE", "nearer", "further", "p"}),
    )
