"""The section on methods side by side: a table for each headline measure, and what is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.tables.choice import Choice, Results
from adversity.report.tables.written import caption, fitting, marked_text
from adversity.report.values.blocks import MAX_ROWS, Block, Section, Table, Text
from adversity.report.words.wording import (
    NOTHING,
    capital,
    cell_text,
    change_text,
    measure_name,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.report.tables.choice import ResultTable
    from adversity.report.tables.written import Show
    from adversity.report.values.compared import Comparison
    from adversity.report.values.model import Report

__all__ = ["differences_section", "methods_section"]


@section(order=150)
def methods_section(report: Report) -> Section | None:
    """Lay methods side by side, one row each, and say which of them are told apart."""
    results = Results(report)
    tables = [table for table in results.tables(Choice()) if len(table.rows) > 1]
    show = fitting(tables)
    blocks: list[Block] = [_table(table, show) for table in tables]
    return Section("methods", "Methods side by side", blocks) if blocks else None


@section(order=155)
def differences_section(report: Report) -> Section | None:
    """Tabulate what each two methods differ by, folded: the marks say the gist."""
    blocks: list[Block] = [*_differences(report)]
    if report.compared.left_out:
        blocks.append(Text("", items=report.compared.left_out, lead="Not compared."))
    title = "Differences between methods"
    return Section("differences", title, blocks, folded=True) if blocks else None


def _table(table: ResultTable, show: Show) -> Table:
    return Table(
        f"methods-{table.id.replace('_', '-')}",
        caption(table, show),
        (*table.heads, *map(plain, table.columns)),
        tuple(
            (*map(plain, names), *(marked_text(entry, show) for entry in entries))
            for names, entries in zip(table.rows, table.entries, strict=True)
        ),
        numeric=frozenset(map(plain, table.columns)),
        sortable=True,
    )


def _differences(report: Report) -> Iterator[Block]:
    """Tabulate the paired differences of the first headline measures, the surest first."""
    infos = {
        name: measure
        for step in report.steps
        for cell in step.shown
        for name, measure in cell.measures.items()
    }
    first = min((pair.difference.info.headline for pair in report.compared.pairs), default=0)
    for name in dict.fromkeys(pair.measure for pair in report.compared.pairs):
        own = [pair for pair in report.compared.pairs if pair.measure == name]
        if own[0].difference.info.headline != first:
            continue
        apart = sum(pair.is_apart for pair in own)
        own.sort(key=lambda pair: 1.0 if pair.holm is None else pair.holm)
        left = len(own) - MAX_ROWS
        title = capital(measure_name(name, infos[name]))
        text = (
            f"{title}: each two methods under the same condition, paired by image. "
            f"{plural(apart, 'difference')} of {len(own):,} told apart at 5 % after Holm's "
            f"correction for all {len(own):,}; p is that of each alone."
        )
        if any(pair.seeds > 1 for pair in own):
            text += " Over several seeds, these are taken as given, and images as drawn."
        if left > 0:
            text += f" The {left:,} least sure are in the JSON of this report."
        yield Table(
            f"differences-{name.replace('_', '-')}",
            text,
            ("first", "second", "cell", "first minus second", "interval", "n", "p", "p (Holm)"),
            tuple(map(_row, own[:MAX_ROWS])),
            numeric=frozenset({"first minus second", "interval", "n", "p", "p (Holm)"}),
            sortable=True,
        )


def _row(pair: Comparison) -> tuple[str, ...]:
    value, interval = change_text(pair.difference)
    cell = {**pair.second_cell, **pair.first_cell}
    p_values = (NOTHING if p is None else f"{p:.2g}" for p in (pair.p_value, pair.holm))
    names = (plain(pair.first), plain(pair.second), cell_text(cell) or NOTHING)
    return (*names, value, interval, f"{pair.difference.n:,}", *p_values)
