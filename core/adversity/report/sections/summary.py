"""The first screen: gates, headline measures, and what voids a claim."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.charts.chosen_rows import ends_of
from adversity.report.charts.forest import row_chart
from adversity.report.doubts.judgement import SIGNS, WORDS, gate_words, gates_in_order
from adversity.report.doubts.void_figures import VOID, is_void
from adversity.report.sections.register import section
from adversity.report.values.apart import judged_steps
from adversity.report.values.blocks import Block, Chart, Section, Table, Text
from adversity.report.words.reading import grouped, measured, panel, slug, without_echoes
from adversity.report.words.wording import (
    NOTHING,
    capital,
    cell_text,
    change_text,
    change_unit,
    interval_text,
    measure_name,
    plain,
    value_text,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts.values import Measure
    from adversity.report.values.model import CellResult, GateResult, Report, StepSummary

__all__ = ["caveat_texts", "gate_table", "headline", "headline_section", "summary_charts"]

_LONGEST_FOREST = 12
_Figure = tuple[str, "StepSummary", "CellResult", "Measure"]
"""A measure's name, its step, its cell and itself."""
_WHAT_VOID_IS = f" {VOID}: not to be believed, for the reasons at the top."
_CHANGE = "change since "


def gate_table(report: Report) -> Table | None:
    """Return the gates, failures first; None where there are none."""
    gates = gates_in_order(report)
    if not gates:
        return None
    return Table(
        "gates",
        "The interval decides: PASS all of it is good, FAIL all of it is bad, UNDECIDED it crosses "
        "the limit (exit code 0, or 1 under --strict). The worst cell is shown.",
        ("verdict", "gate", "value", "interval", "n", "margin", "why"),
        tuple(_gate_row(gate) for gate in gates),
        numeric=frozenset({"value", "interval", "n", "margin"}),
        states=tuple(gate.verdict for gate in gates),
    )


def summary_charts(report: Report) -> tuple[Chart, ...]:
    """Return the forest plot of the gates; of the headline measures where there are none."""
    judged = [(gate, gate.measure) for gate in gates_in_order(report) if gate.measure is not None]
    if judged:
        return tuple(_gate_charts(judged))
    axes: dict[float | str, list[_Figure]] = {}
    for figure in _answers(report):
        # Shares have one axis; an error and what it fell by have none in common.
        axes.setdefault(figure[3].info.top or figure[0], []).append(figure)
    return tuple(_headline_chart(figures, axis) for axis, figures in axes.items())


def _answers(report: Report) -> list[_Figure]:
    """Return the first headline measures of every step that is judged, in all cells."""
    judged = {step.id for step in judged_steps(report.steps, report.gates)}
    return [
        (name, *item)
        for group in ("accuracy", "regression", "attack")
        for name in grouped(report.steps, group)
        for item in without_echoes(report, list(measured(report, name)))
        if item[2].info.headline == 1 and item[0].id in judged
    ]


def _headline_chart(figures: list[_Figure], axis: float | str) -> Chart:
    """Draw figures with one axis; of many, those that matter, and say which they are."""
    shown, words = _that_matter(figures)
    top = figures[0][3].info.top
    names = {measure_name(name, measure) for name, _, _, measure in figures}
    accuracies = top == 1 and "accuracy" in {name for name, *_ in figures}
    title = capital(min(names)) if len(names) == 1 else "Headline measures"
    title = "Accuracy" if accuracies else f"{title} (%)" if top == 100 else title
    many = len(names) > 1 and not accuracies
    rows = [
        (
            " ".join(
                part
                for part in (
                    step.id,
                    _title(name, cell, measure, many=many),
                    panel(cell.cell, None),
                )
                if part
            ),
            measure,
        )
        for name, step, cell, measure in shown
    ]
    end = f"{axis:g}" if isinstance(axis, float) else axis
    key = "headline-chart" if top == 1 else slug(f"headline-chart-{end}")
    chart = row_chart(key, title, rows, top=top)
    return replace(chart, caption=chart.caption + words)


def _that_matter(figures: list[_Figure]) -> tuple[list[_Figure], str]:
    """Return as many figures as one looks through, and words on those left out.

    Of more, each step has its worst cell; of more steps than that, the first, and those at both ends.
    """
    if len(figures) <= _LONGEST_FOREST:
        return figures, ""
    own: dict[tuple[str, str], list[_Figure]] = {}
    for figure in figures:
        own.setdefault((figure[1].id, figure[0]), []).append(figure)
    worst = [min(cells, key=lambda item: _goodness(item[3])) for cells in own.values()]
    ends = ends_of([item[3].value for item in worst], _LONGEST_FOREST, first=True)
    words = f" Drawn: the worst cell of each step, {len(worst)} of {len(figures):,} figures"
    if len(ends) < len(worst):
        small = -(-(_LONGEST_FOREST - 1) // 2)
        words = (
            f" Drawn, {len(ends)} of {len(figures):,} figures: of each step the worst cell, and of "
            f"{len(worst):,} steps the first, the {small} with the smallest and the "
            f"{_LONGEST_FOREST - 1 - small} with the largest value"
        )
    return [worst[at] for at in ends], f"{words}; the table of headline measures has all."


def _goodness(measure: Measure) -> float:
    return -measure.value if measure.better == "lower" else measure.value


def _title(name: str, cell: CellResult, measure: Measure, *, many: bool) -> str:
    """Name a measure where its chart has many, or its cell several as important."""
    first = [item for item in cell.measures.values() if item.info.headline == 1]
    return measure_name(name, measure) if many or len(first) > 1 else ""


def headline(report: Report) -> Iterator[tuple[StepSummary, str, CellResult, Measure]]:
    """Go through the measures that matter most: step, measure name, cell, measure."""
    for step in judged_steps(report.steps, report.gates):
        for cell in step.shown:
            ours = ((name, item) for name, item in cell.measures.items() if item.info.headline)
            for name, measure in sorted(ours, key=lambda own: own[1].info.headline):
                yield step, name, cell, measure


def _believed_text(report: Report, name: str, step: StepSummary, cell: CellResult) -> str:
    """Write a figure's value, marked where it is void."""
    value = value_text(cell.measures[name])
    return f"{VOID} {value}" if is_void(report, name, step, cell) else value


@section(order=100)
def headline_section(report: Report) -> Section | None:
    """Return the table of headline measures with intervals and n."""
    rows = tuple(
        (
            step.id,
            measure_name(name, measure),
            cell_text(cell.cell) or NOTHING,
            _believed_text(report, name, step, cell),
            interval_text(measure),
            f"{measure.n:,}",
            measure.method or NOTHING,
        )
        for step, name, cell, measure in headline(report)
    )
    if not rows:
        return None
    doubted = any(row[3].startswith(VOID) for row in rows)
    blocks: list[Block] = [
        Table(
            "headline",
            "Every headline measure with its interval and n." + (_WHAT_VOID_IS if doubted else ""),
            ("step", "measure", "cell", "value", "interval", "n", "interval by"),
            rows,
            numeric=frozenset({"value", "interval", "n"}),
        )
    ]
    return Section("headline", "Headline measures", blocks, folded=len(rows) > _LONGEST_FOREST)


def caveat_texts(report: Report, *, void: bool) -> tuple[Text, ...]:
    """Return the caveats that void a claim, or all the others."""
    return tuple(
        Text(plain(caveat.sentence), level=caveat.level)
        for caveat in report.caveats
        if (caveat.level == "void") is void
    )


def _gate_row(gate: GateResult) -> tuple[str, ...]:
    measure = gate.measure
    cell, why = gate_words(gate)
    value, interval = (NOTHING, NOTHING)
    if measure is not None and gate.change:
        value, interval = change_text(measure)
        value = f"change {value}"
    elif measure is not None:
        value, interval = value_text(measure), interval_text(measure)
    return (
        f"{SIGNS[gate.verdict]} {WORDS[gate.verdict]}",
        gate.text + cell,
        value,
        interval,
        f"{measure.n:,}" if measure else NOTHING,
        _margin(gate),
        f"{why} ({gate.line})" if gate.line else why,
    )


def _margin(gate: GateResult) -> str:
    """Write how far the value is on the good side (+) or the bad side (-) of the limit."""
    if gate.measure is None or gate.limit is None or gate.op is None:
        return NOTHING
    sign = -1 if gate.op.startswith("<") else 1
    margin = sign * (gate.measure.value - gate.limit)
    return change_text(replace(gate.measure, value=margin))[0]


def _gate_charts(judged: list[tuple[GateResult, Measure]]) -> Iterator[Chart]:
    """Draw a forest plot for each unit: shares have one axis, decibels another."""
    keys = [_axis(gate, measure) for gate, measure in judged]
    for key in dict.fromkeys(keys):
        own = [item for item, unit in zip(judged, keys, strict=True) if unit == key]
        chart = row_chart(
            f"gates-{len(own)}-{'share' if key[1] else 'other'}-{keys.index(key)}",
            "Gates" if key[1] == 1 else f"Gates ({key[0]})",
            [(f"{SIGNS[gate.verdict]} {gate.text}", measure) for gate, measure in own],
            top=key[1],
            zero=key[0].startswith(_CHANGE),
            axis=key[0] if key[0].startswith(_CHANGE) else "value; the upright bar is the limit",
            extra=[
                {"state": gate.verdict, "limit": _limit(gate, measure)} for gate, measure in own
            ],
        )
        yield chart


def _limit(gate: GateResult, measure: Measure) -> float | None:
    """Return the limit on the scale that the value is drawn on."""
    return None if gate.limit is None else written(replace(measure, value=gate.limit)).value


def _axis(gate: GateResult, measure: Measure) -> tuple[str, float | None]:
    """Return what a gate's value is measured in, and where the axis of a share ends."""
    if gate.change:
        unit = change_unit(measure)
        since = _CHANGE + ("the last accepted run" if gate.than == "last" else gate.than)
        return (f"{since}, in {unit}" if unit else since), None
    if measure.info.scale == "percent":
        return "%", measure.info.top
    return ("share", 1.0) if _is_share(measure) else (measure.unit or "number", None)


def _is_share(measure: Measure) -> bool:
    return not measure.unit and 0 <= measure.value <= 1 and (measure.high or 0.0) <= 1
