"""The section on numbers that were estimated: errors, and whether variances are as wide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.charts.curves import curve_charts
from adversity.report.charts.forest import few_rows, row_chart
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.estimates import estimate_charts
from adversity.report.sections.register import section
from adversity.report.tables.changes import change_columns, p_text, seeds_in_words
from adversity.report.values.blocks import Block, Section, Table, Text
from adversity.report.words.reading import grouped, panel
from adversity.report.words.wording import NOTHING, cell_text, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.model import ErrorGain, Report

__all__ = ["numbers_section"]


@section(order=210, groups=("regression",))
def numbers_section(report: Report) -> Section | None:
    """Show errors, likelihood and coverage against severity, and what restorations did to errors."""
    names = grouped(report.steps, "regression")
    charts: list[Block] = [chart for name in names for chart in curve_charts(report, name)]
    charts += estimate_charts(report)
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
    gains = report.shown_error_gains
    rows, left = few_rows([(_label(gain), gain.difference) for gain in gains])
    chart = row_chart(
        "restoration-error-gain", "Restoration: gain in RMSE", rows, top=None, zero=True
    )
    return [text, replace(chart, caption=chart.caption + left), _table(gains)]


def _label(gain: ErrorGain) -> str:
    return plain(", ".join(part for part in (gain.after, panel(gain.cell, None)) if part))


def _table(gains: Sequence[ErrorGain]) -> Table:
    changes = [gain.difference for gain in gains]
    heads, columns = change_columns(changes, "gain in RMSE")
    over = seeds_in_words(changes, "images are counted")
    test = "" if over else " p: Student's paired test that the RMSE is the same;"
    several = " Intervals speak of other seeds." if over else " several cells are several tests."
    numbers = (*heads, "nearer", "further", *(() if over else ("p",)))
    return Table(
        "restoration-errors",
        f"Errors that restoration changed.{over}{test}{several}",
        ("step", "restoration", "cell", *numbers),
        tuple(
            (
                plain(gain.after),
                plain(gain.step),
                cell_text(gain.cell) or NOTHING,
                *column,
                f"{gain.nearer:,}",
                f"{gain.further:,}",
                *(() if over else (p_text(gain.difference.details.get("p_value")),)),
            )
            for gain, column in zip(gains, columns, strict=True)
        ),
        numeric=frozenset(numbers),
        sortable=True,
    )
