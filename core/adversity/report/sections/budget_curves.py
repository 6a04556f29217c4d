"""Charts of what attacks left of a measure, against their budget, with what was there before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.report.charts.caption_words import (
    direction_in_words,
    intervals_in_words,
    units_in_words,
)
from adversity.report.charts.curves import line_charts
from adversity.report.charts.forest import few_rows, row_chart
from adversity.report.values.threat import NORMS, any_distance, attack_name, norm_of
from adversity.report.words.reading import across, grouped, matching, panel, record, slug, titles
from adversity.report.words.wording import capital, cell_text, parse_number, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.blocks import Chart
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["budget_curves", "unattacked"]


def budget_curves(report: Report, attacks: Sequence[StepSummary]) -> Iterator[Chart]:
    """Draw what was left of each measure against eps, a chart for each norm, unattacked at 0.

    A search that counts failures at any distance has no budget: its curve is another chart.
    """
    results = [(step, cell) for step in attacks if not any_distance(step) for cell in step.shown]
    names = titles(attacks, grouped(attacks, "attack"))
    for norm in dict.fromkeys(norm_of(*item) for item in results):
        own = [item for item in results if norm_of(*item) == norm]
        for name, title in names.items():
            yield from _curve(report, own, name, title, norm)


def _curve(
    report: Report,
    attacked: Sequence[tuple[StepSummary, CellResult]],
    measure: str,
    title: str,
    norm: str,
) -> Iterator[Chart]:
    """Draw one measure in one norm, if it is the rest of one without an attack."""
    axis = across((cell for _, cell in attacked), "eps")
    records, measures = _points(report, attacked, measure, axis, norm)
    if not records:
        return
    name, key = NORMS.get(norm, norm) or "no norm", slug(f"{measure}-{norm}")
    drawn = [figure for _, figure in measures]
    top, scale = drawn[-1].info.top, title + units_in_words(drawn)
    if axis is None or len({item["x"] for item in records}) < 2:
        rows, left = few_rows([(plain(label), figure) for label, figure in measures])
        chart = row_chart(key, f"{capital(title)} ({name})", rows, axis=scale, top=top)
        yield replace(chart, caption=chart.caption + left)
        return
    unit = f"{name} budget eps, in 1/255" if axis == "eps" and norm == "linf" else plain(axis)
    yield from line_charts(
        records,
        key=key,
        title=f"{capital(title)} by {plain(axis)} ({name})",
        x=f"{unit} (0: not attacked)" if axis == "eps" else unit,
        y=scale,
        top=top,
        intervals=direction_in_words(drawn) + intervals_in_words(drawn),
        matters="smallest" if drawn[-1].better == "higher" else None,
    )


def _points(
    report: Report,
    attacked: Sequence[tuple[StepSummary, CellResult]],
    measure: str,
    axis: str | None,
    norm: str,
) -> tuple[list[dict[str, Any]], list[tuple[str, Measure]]]:
    """Collect chart records and labelled measures, what was there before the attack at 0."""
    factor = 255.0 if axis == "eps" and norm == "linf" else 1.0
    records: list[dict[str, Any]] = []
    measures: list[tuple[str, Measure]] = []
    begun: set[str] = set()
    for step, cell in attacked:
        left = cell.measures.get(measure)
        if left is None or not left.info.unattacked:
            continue
        name = attack_name(step)
        series = ", ".join(part for part in (name, panel(cell.cell, axis)) if part)
        clean = unattacked(report, step, cell.cell, left.info.unattacked)
        if series not in begun and clean is not None and axis == "eps":
            clean = clean.known_as(left.info)  # on the scale of what was left of it
            records.append(record(clean, series=series, x=0.0))
            measures.append((f"{series}, not attacked", clean))
        begun.add(series)
        x = parse_number(cell.cell.get(axis, "")) if axis else 0.0
        if x is not None:
            records.append(record(left, series=series, x=round(x * factor, 6)))
            label = ", ".join(part for part in (name, cell_text(cell.cell)) if part)
            measures.append((label, left))
    return records, measures


def unattacked(
    report: Report, step: StepSummary, cell: Any, name: str = "accuracy"
) -> Measure | None:
    """Return a measure of the attacked step in the same cell, before the attack."""
    by_id = {item.id: item for item in report.steps}
    current = by_id.get(step.against or "")
    seen: set[str] = set()
    while current is not None and current.id not in seen:
        seen.add(current.id)
        result = matching(current, cell)
        if result is not None and name in result.measures:
            return result.measures[name]
        current = by_id.get(current.upstream or "")
    return None
