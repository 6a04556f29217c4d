"""The section on attacks: the threat model, robust accuracy against the budget, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.charts.curves import intervals_in_words, line_charts, row_chart
from adversity.report.sections.probe_section import probe_table
from adversity.report.sections.register import section
from adversity.report.sections.searches import distance_charts, query_charts
from adversity.report.sections.worst_case import worst_cases
from adversity.report.values.blocks import Block, Section, Table
from adversity.report.values.threat import (
    NORMS,
    any_distance,
    attack_name,
    is_control,
    links_table,
    norm_of,
    threat_text,
)
from adversity.report.words.reading import across, matching, panel, record, slug
from adversity.report.words.wording import (
    NOTHING,
    cell_text,
    measure_name,
    measure_text,
    parse_number,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.blocks import Chart
    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["attack_section", "unattacked"]

_COSTS = {"gradients_per_image": "gradients", "queries_per_image": "queries"}
_SEARCHES = ("failure_distance", "failures_found", "queries_to_fool")


@section(order=500)
def attack_section(report: Report) -> Section | None:
    """Say who attacked what with which budget, what was left of the accuracy, and the cost."""
    attacks = [step for step in report.steps if step.kind == "attack" and step.cells]
    if not attacks:
        return None
    blocks: list[Block] = [
        *_curves(report, attacks),
        *distance_charts(attacks),
        *query_charts(attacks),
    ]
    for step in attacks:
        blocks.append(threat_text(step))
        if step.links and not is_control(step):
            blocks.append(links_table(step))
    blocks.append(_results(report, attacks))
    tables = (_searched(attacks), probe_table(attacks))
    blocks += [table for table in tables if table is not None]
    return Section("attacks", "Attacks", [*blocks, *worst_cases(attacks)])


def _curves(report: Report, attacks: Sequence[StepSummary]) -> Iterator[Chart]:
    """Draw robust accuracy against eps, a chart for each norm, with the clean accuracy at 0.

    A search that counts failures at any distance has no budget: its curve is another chart.
    """
    found = [(step, cell) for step in attacks if not any_distance(step) for cell in step.cells]
    for norm in dict.fromkeys(norm_of(*item) for item in found):
        own = [item for item in found if norm_of(*item) == norm]
        axis = across((cell for _, cell in own), "eps")
        records, measures = _points(report, own, axis, norm)
        name = NORMS.get(norm, norm) or "no norm"
        if not records:
            continue
        key = slug(f"robust-accuracy-{norm}")
        if axis is None or len({item["x"] for item in records}) < 2:
            rows = [(plain(label), measure) for label, measure in measures]
            yield row_chart(key, f"Robust accuracy ({name})", rows, axis="robust accuracy")
            continue
        unit = f"{name} budget eps, in 1/255" if axis == "eps" and norm == "linf" else plain(axis)
        yield from line_charts(
            records,
            key=key,
            title=f"Robust accuracy by {plain(axis)} ({name})",
            x=f"{unit} (0: not attacked)" if axis == "eps" else unit,
            y="robust accuracy",
            intervals=intervals_in_words([measure for _, measure in measures]),
        )


def _points(
    report: Report,
    attacked: Sequence[tuple[StepSummary, CellResult]],
    axis: str | None,
    norm: str,
) -> tuple[list[dict[str, Any]], list[tuple[str, Measure]]]:
    """Collect chart records and labelled measures, the unattacked accuracy at 0 included."""
    factor = 255.0 if axis == "eps" and norm == "linf" else 1.0
    records: list[dict[str, Any]] = []
    measures: list[tuple[str, Measure]] = []
    begun: set[str] = set()
    for step, cell in attacked:
        measure = cell.measures.get("robust_accuracy")
        if measure is None:
            continue
        name = attack_name(step)
        series = ", ".join(part for part in (name, panel(cell.cell, axis)) if part)
        clean = unattacked(report, step, cell.cell)
        if series not in begun and clean is not None and axis == "eps":
            records.append(record(clean, series=series, x=0.0))
            measures.append((f"{series}, not attacked", clean))
        begun.add(series)
        x = parse_number(cell.cell.get(axis, "")) if axis else 0.0
        if x is not None:
            records.append(record(measure, series=series, x=round(x * factor, 6)))
            label = ", ".join(part for part in (name, cell_text(cell.cell)) if part)
            measures.append((label, measure))
    return records, measures


def unattacked(report: Report, step: StepSummary, cell: Any) -> Measure | None:
    """Return the accuracy of the attacked step in the same cell, before the attack."""
    by_id = {item.id: item for item in report.steps}
    current = by_id.get(step.against or "")
    seen: set[str] = set()
    while current is not None and current.id not in seen:
        seen.add(current.id)
        found = matching(current, cell)
        if found is not None and "accuracy" in found.measures:
            return found.measures["accuracy"]
        current = by_id.get(current.upstream or "")
    return None


def _results(report: Report, attacks: Sequence[StepSummary]) -> Table:
    """Tabulate accuracy before and after, distances, and what each attack cost."""
    cells = [(step, cell) for step in attacks for cell in step.cells]

    def present(*names: str) -> list[str]:
        return [name for name in names if any(name in cell.measures for _, cell in cells)]

    names = present("robust_accuracy", "attack_success")
    costs = present(*_COSTS)
    rows = []
    for step, cell in cells:
        clean = unattacked(report, step, cell.cell)
        rows.append(
            (
                step.id,
                cell_text(cell.cell) or NOTHING,
                measure_text(clean) if clean else NOTHING,
                *(_shown(cell, name) for name in names),
                *(_count(cell, name) for name in costs),
                " ".join(cell.notes) or NOTHING,
            )
        )
    heads = tuple(measure_name(name) for name in names) + tuple(_COSTS[name] for name in costs)
    cost = " Gradients and queries: for each picture that was right at first, on average."
    return Table(
        "attack-results",
        "Before and after the attack. A picture that was wrong from the start counts as not "
        f"robust.{cost if costs else ''}",
        ("attack", "cell", "accuracy before", *heads, "notes"),
        tuple(rows),
        numeric=frozenset({"accuracy before", *heads}),
    )


def _searched(attacks: Sequence[StepSummary]) -> Table | None:
    """Tabulate the medians of attacks that search: how far, how many queries."""
    cells = [(step, cell) for step in attacks for cell in step.cells]
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            NORMS.get(norm_of(step, cell), norm_of(step, cell)) or NOTHING,
            *(_shown(cell, name) for name in _SEARCHES),
        )
        for step, cell in cells
        if any(name in cell.measures for name in _SEARCHES)
    )
    if not rows:
        return None
    heads = ("distance to the nearest failure", "with a failure", "queries until fooled")
    return Table(
        "attack-searches",
        "Medians of what was searched. Distances are over all pictures, on the [0, 1] scale, 0 "
        "for one that was wrong from the start; queries over those that were right at first. What "
        "withstood counts as infinitely far; where that is most there is no median. With a failure: "
        "the share that has one at any distance.",
        ("attack", "cell", "norm", *heads),
        rows,
        numeric=frozenset(heads),
    )


def _shown(cell: CellResult, name: str) -> str:
    return measure_text(cell.measures[name]) if name in cell.measures else NOTHING


def _count(cell: CellResult, name: str) -> str:
    """Write a mean number of calls: whole from 100 on, three figures below."""
    measure = cell.measures.get(name)
    if measure is None:
        return NOTHING
    return f"{measure.value:,.0f}" if measure.value >= 100 else f"{measure.value:.3g}"
