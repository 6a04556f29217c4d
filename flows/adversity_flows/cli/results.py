"""The numbers of a run and its verdict, as a person reads them in a terminal."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.doubts.judgement import SIGNS, WORDS, gate_words, gates_in_order, verdict
from adversity.report.doubts.void_figures import VOID, is_void
from adversity.report.words.wording import (
    bare_text,
    cell_text,
    change_text,
    interval_text,
    measure_name,
    number,
    plain,
    seconds_text,
)
from adversity_flows.cli.chosen_rows import Figure, chosen
from adversity_flows.cli.wording import columns, relative, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity.contracts import Measure
    from adversity.report.values.model import CellResult, GateResult, Report, StepSummary
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.finished_run import FinishedRun

__all__ = [
    "doubt_lines",
    "gate_lines",
    "measure_lines",
    "say_results",
    "story_text",
]

COLOURS = {"pass": "blue", "fail": "red", "undecided": "yellow", "error": "magenta"}
_DOUBTS = {"void": "magenta", "warning": "yellow"}
ROWS = 24
_ALL = "the report has all"
_OPS = {">=": "≥", "<=": "≤"}
_SUBJECT = re.compile(r"\s*(>=|<=|>|<|not_worse_than).*")


def say_results(
    finished: FinishedRun, root: Path, out: Terminal, *, quiet: bool
) -> tuple[tuple[str, ...], str, str]:
    """Write the measures, what happened, the gates, doubts and, last, the verdict line.

    Returns:
        All lines but the last; of that, what stands before and behind the time it took.
    """
    report = finished.report
    blocks = (
        measure_lines(report, out),
        story_text(finished.past.manifest.get("story", ()), out),
        gate_lines(report, out),
        doubt_lines(report, out),
    )
    lines = tuple(line for block in blocks if block and not quiet for line in (*block, ""))
    for line in lines:
        out.say(line)
    state, text = verdict(report)
    page = finished.past.page
    where = f"report: {relative(page, root)} ({size_text(page.stat().st_size)})"
    took = seconds_text(finished.seconds)
    if finished.repeated:
        took = f"nothing had changed, {took}"
    painted = out.paint(text, COLOURS[state] if report.gates else "cyan", bold=True)
    out.say(f"{painted}   {took}   {where}")
    return lines, painted, where


def measure_lines(report: Report, out: Terminal) -> list[str]:
    """Return a table with the number each step stands for, in every cell, and which are void."""
    figures = [
        Figure(step, cell, name, measure, is_void(report, name, step, cell))
        for step in report.steps
        for cell in step.shown
        for name, measure in _headline(step, cell)
    ]
    if not figures:
        return []
    rows = chosen(figures, ROWS)
    shown = [
        (
            *(row.step.id, cell_text(row.cell.cell), measure_name(row.name, row.measure)),
            *_numbers(row.measure),
            VOID if row.void else "",
        )
        for row in rows
    ]
    head = ("step", "at", "measure", "value", "95 % interval", "n", "")
    drop = {place for place in (1, 6) if not any(row[place] for row in shown)}
    table = _fitted([head, *shown], out, drop=drop, spare=(5, 2))
    lines = [
        line.removesuffix(VOID) + out.paint(VOID, _DOUBTS["void"], bold=True) if row[6] else line
        for row, line in zip(shown, table[1:], strict=True)
    ]
    more = f"{len(rows)} of {len(figures)} rows, the worst of each step among them; {_ALL}"
    left = [out.dim(more)] if len(rows) < len(figures) else []
    return [out.dim(table[0]), *lines, *left]


def story_text(story: Sequence[str], out: Terminal) -> list[str]:
    """Return what happened, as the page says it, in lines that fit the terminal."""
    return [line for paragraph in story for line in textwrap.wrap(str(paragraph), out.width)]


def gate_lines(report: Report, out: Terminal) -> list[str]:
    """Return the table of gates, failures first, each that did not pass with its reason."""
    gates = gates_in_order(report)
    if not gates:
        return []
    head = ("gate", "value", "95 % interval", "limit", "n", "verdict")
    table = _fitted([head, *map(_gate_row, gates)], out, drop=set(), spare=(4, 3), right=(1, 4))
    lines = [out.dim(table[0])]
    for gate, line in zip(gates, table[1:], strict=True):
        word = f"{SIGNS[gate.verdict]} {WORDS[gate.verdict]}"
        head_, _, tail = line.rpartition(word)
        lines.append(f"{head_}{out.paint(word, COLOURS[gate.verdict], bold=True)}{tail}")
        if gate.verdict != "pass":
            reason = f"{gate.line}: {gate_words(gate)[1]}"
            lines += [out.dim(part) for part in _wrapped(reason, out, indent="    ")]
    return lines


def doubt_lines(report: Report, out: Terminal) -> list[str]:
    """Return what the report does not believe and what it warns of, void figures first."""
    lines = []
    for caveat in report.caveats:
        if caveat.level in _DOUBTS:
            word = caveat.level.upper()
            first, *rest = _wrapped(f"{word} {plain(caveat.sentence)}", out)
            painted = out.paint(word, _DOUBTS[caveat.level], bold=True)
            lines += [painted + first.removeprefix(word), *rest]
    return lines


def _wrapped(text: str, out: Terminal, *, indent: str = "") -> list[str]:
    """Break a sentence between words where a person reads it; a longer word stays whole.

    Where nobody looks, a sentence is a line: that is what programs search for.
    """
    if not out.tty:
        return [f"{indent}{text}"]
    return textwrap.wrap(
        text,
        out.width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _gate_row(gate: GateResult) -> tuple[str, ...]:
    subject = _SUBJECT.sub("", gate.text) + gate_words(gate)[0]
    if gate.change:
        subject = f"change of {subject}"
    limit = gate.than if gate.op is None else f"{_OPS.get(gate.op, gate.op)} {_limit(gate)}"
    word = f"{SIGNS[gate.verdict]} {WORDS[gate.verdict]}"
    if gate.measure is None:
        return (subject, "", "", limit, "", word)
    value, interval, n = _numbers(gate.measure)
    if gate.change:
        value, interval = change_text(gate.measure)
    return (subject, value, interval, limit, n, word)


def _limit(gate: GateResult) -> str:
    if gate.limit is None or gate.measure is None:
        return "" if gate.limit is None else number(gate.limit)
    return bare_text(replace(gate.measure, value=gate.limit, unit=""))


def _numbers(measure: Measure) -> tuple[str, str, str]:
    return bare_text(measure), interval_text(measure), f"{measure.n:,}"


def _headline(step: StepSummary, cell: CellResult) -> Iterator[tuple[str, Measure]]:
    """Yield the measures that a step is looked at for first: a calibrator for its calibration."""
    named = [(name, measure) for name, measure in cell.measures.items() if measure.info.headline]
    group = "accuracy" if step.makes == "predictions" else step.kind
    own = [item for item in named if item[1].info.group == group] or named
    first = min((measure.info.headline for _, measure in own), default=0)
    if own:
        yield from (item for item in own if item[1].info.headline == first)
    else:
        shown = [item for item in cell.measures.items() if item[1].info.group]
        yield from (shown or list(cell.measures.items()))[:1]


def _fitted(
    rows: list[tuple[str, ...]],
    out: Terminal,
    *,
    drop: set[int],
    spare: tuple[int, ...],
    right: tuple[int, ...] = (3, 5),
) -> list[str]:
    """Lay the table out; where it is too wide, leave the spare columns out one by one."""
    for count in range(len(spare) + 1):
        drop = drop | set(spare[:count])
        shown = [index for index in range(len(rows[0])) if index not in drop]
        table = columns(
            [tuple(row[index] for index in shown) for row in rows],
            right=tuple(place for place, index in enumerate(shown) if index in right),
        )
        if max(map(len, table)) <= out.width:
            break
    return table
