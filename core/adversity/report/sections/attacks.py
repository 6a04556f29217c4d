"""The section on attacks: the threat model, robust accuracy against the budget, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.measure_plots import measure_plots
from adversity.report.sections.budget_curves import budget_curves, unattacked
from adversity.report.sections.probe_section import probe_table
from adversity.report.sections.register import section
from adversity.report.sections.searches import distance_charts, query_charts
from adversity.report.sections.worst_case import worst_cases
from adversity.report.values.blocks import Block, Section, Table
from adversity.report.values.threat import (
    NORMS,
    goal_of,
    is_control,
    links_table,
    norm_of,
    threat_text,
)
from adversity.report.words.reading import grouped, titles
from adversity.report.words.wording import NOTHING, cell_text, measure_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.model import CellResult, Report, StepSummary

__all__ = ["attack_section"]


GROUPS = ("attack", "cost", "search", "probe", "worst case")


@section(order=500, groups=GROUPS)
def attack_section(report: Report) -> Section | None:
    """Say who attacked what with which budget, what was left of the accuracy, and the cost."""
    attacks = [step for step in report.steps if step.kind == "attack" and step.cells]
    if not attacks:
        return None
    blocks: list[Block] = [
        *budget_curves(report, attacks),
        *distance_charts(attacks),
        *query_charts(attacks),
        *(chart for group in GROUPS for chart in measure_plots(report, group)),
    ]
    for step in attacks:
        blocks.append(threat_text(step))
        if step.links and not is_control(step):
            blocks.append(links_table(step))
    blocks.append(_results(report, attacks))
    tables = (_searched(attacks), probe_table(attacks))
    blocks += [table for table in tables if table is not None]
    return Section("attacks", "Attacks", [*blocks, *worst_cases(attacks)])


def _results(report: Report, attacks: Sequence[StepSummary]) -> Table:
    """Tabulate what there was before and after, and what each attack cost."""
    cells = [(step, cell) for step in attacks for cell in step.shown]
    names, costs = grouped(attacks, "attack"), grouped(attacks, "cost")
    infos = [measure.info for _, cell in cells for measure in cell.measures.values()]
    before = list(dict.fromkeys(info.unattacked for info in infos if info.unattacked))
    rows = []
    for step, cell in cells:
        own = {measure.info.unattacked for measure in cell.measures.values()}
        clean = (
            unattacked(report, step, cell.cell, name) if name in own else None for name in before
        )
        rows.append(
            (
                step.id,
                cell_text(cell.cell) or NOTHING,
                *(measure_text(one) if one else NOTHING for one in clean),
                *(_shown(cell, name) for name in names),
                *(_count(cell, name) for name in costs),
                " ".join(cell.notes) or NOTHING,
            )
        )
    first = tuple(f"{title} before" for title in titles(report.steps, before).values())
    heads = tuple(titles(attacks, [*names, *costs]).values())
    return Table(
        "attack-results",
        _what_results_are(attacks, costs=bool(costs)),
        ("attack", "cell", *first, *heads, "notes"),
        tuple(rows),
        numeric=frozenset({*first, *heads}),
    )


def _what_results_are(attacks: Sequence[StepSummary], *, costs: bool) -> str:
    """Say over whom results and costs are, for attacks on the answer and for those on a decision."""
    answers = any(goal_of(step).of_answer for step in attacks)
    words = ["Before and after the attack."]
    if answers:
        words.append("An image that was wrong from the start counts as not robust.")
    if answers and costs:
        words.append("Gradients and queries: for each image that was right at first, on average.")
    if not all(goal_of(step).of_answer for step in attacks):
        words.append(
            "Attacks that look for sure or unsure answers say nothing of accuracy; what they cost is "
            "for each image that they could attack, on average."
        )
    return " ".join(words)


def _searched(attacks: Sequence[StepSummary]) -> Table | None:
    """Tabulate the medians of attacks that search: how far, how many queries."""
    names = grouped(attacks, "search")
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            NORMS.get(norm_of(step, cell), norm_of(step, cell)) or NOTHING,
            *(_shown(cell, name) for name in names),
        )
        for step in attacks
        for cell in step.shown
        if cell.measures.keys() & set(names)
    )
    if not rows:
        return None
    heads = tuple(titles(attacks, names).values())
    return Table(
        "attack-searches",
        "Medians of what was searched. Distances are over all images, on the [0, 1] scale, 0 "
        "for one that was wrong from the start; queries over those that were right at first. What "
        "withstood counts as infinitely far; where that is most there is no median.",
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
