"""Gates judged, one by one; what they come to together is said by `report.doubts.judgement`.

A gate compares an interval with a limit. Without `lower` or `upper` it passes where the
whole interval lies on the good side, fails where the whole interval lies on the bad side,
and is undecided where the interval crosses the limit. Where there is no interval, the number
itself decides, and `lower` or `upper` is an error. Where the report calls the figure void,
the gate is an error, unless the void figure proves its verdict all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from adversity.pipeline.gates.earlier import Earlier, against_earlier
from adversity.pipeline.gates.gate_text import Gate, Op
from adversity.pipeline.gates.rulings import Ruling, compare
from adversity.pipeline.read.findings import listed, suggestion
from adversity.report.doubts.void_figures import why_void
from adversity.report.values.model import Caveat, CellResult, GateResult, StepSummary, Verdict
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import Measure

__all__ = ["Gate", "judge", "verdict"]

_ACROSS_CELLS: tuple[Verdict, ...] = ("fail", "error", "undecided", "pass")
"""A gate must hold in every cell: one that fails decides, whatever another one hides."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a gate is judged by besides its measure."""

    summaries: Mapping[str, StepSummary]
    earlier: Earlier = field(default_factory=dict)
    caveats: Sequence[Caveat] = ()


def judge(
    gates: Sequence[Gate],
    summaries: Mapping[str, StepSummary],
    earlier: Earlier | None = None,
    *,
    caveats: Sequence[Caveat] = (),
) -> tuple[GateResult, ...]:
    """Judge every gate.

    Args:
        gates: From the plan.
        summaries: What each step and data set measured, by id.
        earlier: The runs that gates compare this one with, by the names that they give them; the
            last accepted one is missing if there is none yet.
        caveats: What the report says against its figures; a gate that rests on a void one is an
            error unless the figure proves the verdict all the same.

    Returns:
        A result for each gate, in order, from the cell that decides: one that fails, else one
        that cannot be judged, else the worst.
    """
    known = _Known(summaries, earlier or {}, caveats)
    return tuple(_judge_gate(gate, known) for gate in gates)


def verdict(gate: Gate, measure: Measure) -> Verdict:
    """Return what a gate that compares with a number says of one measure.

    Raises:
        ValueError: If the gate compares with an earlier run.
    """
    if gate.op is None or gate.limit is None:
        raise ValueError(f"expected a gate that compares with a number, got {gate.text!r}")
    return compare(gate.metric, measure, gate.op, gate.limit, gate.bound).verdict


def _judge_gate(gate: Gate, known: _Known) -> GateResult:
    summary = known.summaries.get(gate.step)
    if summary is None or not summary.cells:
        return _result(gate, Ruling("error", f"{gate.step} gave no results", -math.inf))
    cells = [cell for cell in summary.cells if gate.selector.items() <= cell.cell.items()]
    if not cells:
        there = listed(cell_key(cell.cell) for cell in summary.cells)
        why = f"no cell of {gate.step} has {cell_key(gate.selector)}; there is: {there}"
        return _result(gate, Ruling("error", why, -math.inf))
    results = [(cell, *_judge_cell(gate, summary, cell, known)) for cell in cells]
    cell, ruling, measure = min(
        results, key=lambda judged: (_ACROSS_CELLS.index(judged[1].verdict), judged[1].margin)
    )
    return _result(
        gate, _among(ruling, cell, [judged[1] for judged in results]), cell.cell, measure
    )


def _among(ruling: Ruling, cell: CellResult, rulings: Sequence[Ruling]) -> Ruling:
    """Say of how many cells this one decides, and how many could not be judged."""
    if len(rulings) == 1 or (ruling.verdict == "error" and not ruling.void):
        return ruling
    where = cell_key(cell.cell)
    if ruling.verdict == "error":
        return ruling._replace(why=f"{ruling.why} (at {where}, of {len(rulings)} cells)")
    blind = sum(other.verdict == "error" for other in rulings)
    more = f"; {blind} of the others cannot be judged" if blind else ""
    why = f"{ruling.why} at {where}, the worst of {len(rulings)} cells{more}"
    return ruling._replace(why=why)


def _result(
    gate: Gate,
    ruling: Ruling,
    cell: Mapping[str, str] | None = None,
    measure: Measure | None = None,
) -> GateResult:
    return GateResult(
        text=gate.text,
        verdict=ruling.verdict,
        why=ruling.why,
        line=gate.line,
        measure=measure,
        cell=cell or {},
        op=gate.op,
        limit=gate.limit,
        needed=ruling.needed,
        step=gate.step,
        change=ruling.change,
        than=gate.than,
        void=ruling.void,
    )


def _judge_cell(
    gate: Gate, summary: StepSummary, cell: CellResult, known: _Known
) -> tuple[Ruling, Measure | None]:
    measure = cell.measures.get(gate.metric)
    if measure is None:
        names = sorted(cell.measures)
        hint = suggestion(gate.metric, names)
        if "did you mean" in hint:
            hint += f"; {gate.step} has {listed(names)}"
        return Ruling("error", f"{gate.step} has no measure {gate.metric}{hint}", -math.inf), None
    op, ruling, judged = (
        against_earlier(gate, cell, measure, known.earlier)
        if gate.op is None or gate.limit is None
        else (gate.op, compare(gate.metric, measure, gate.op, gate.limit, gate.bound), measure)
    )
    void = (
        why_void(gate.metric, summary, cell, steps=known.summaries, caveats=known.caveats)
        if measure.info.attacked != "fact"
        else ""
    )
    side = _side(measure, summary, known.summaries) if void else None
    return (_doubted(ruling, op, side, void) if void else ruling), judged


def _side(
    measure: Measure, summary: StepSummary, steps: Mapping[str, StepSummary]
) -> Literal["at most", "at least"] | None:
    """Say on which side of an attack's figure the victim can be; None where either is open.

    What compares two tables, or folds what does, is open unless it declares a side: a stronger
    attack may bring the two closer, or apart.
    """
    attacked = measure.info.attacked
    if attacked == "at most" or attacked == "at least":
        return attacked
    way = (summary, *(steps[name] for name in summary.path if name in steps))
    if any(step.makes == "measure" and step.against is not None for step in way):
        return None
    sides: dict[str | None, Literal["at most", "at least"]]
    sides = {"higher": "at most", "lower": "at least"}
    return sides.get(measure.better)


def _doubted(
    ruling: Ruling, op: Op | None, side: Literal["at most", "at least"] | None, void: str
) -> Ruling:
    """Return what is left of a ruling whose figure is void.

    The attack failed where the samples did not stand, so the figure bounds what is so from one
    side. What a stronger attack could only confirm holds; all else proves nothing.
    """
    if ruling.verdict == "error" or op is None:
        return ruling
    falls = {"at most": "lower", "at least": "raise"}
    rises = op in (">=", ">")
    holds = {("at most", True): "fail", ("at most", False): "pass"}
    holds |= {("at least", True): "pass", ("at least", False): "fail"}
    if side is not None and holds[side, rises] == ruling.verdict:
        verb = {"fail": "fails", "pass": "passes"}[ruling.verdict]
        more = f"the figure is void, but a stronger attack can only {falls[side]} it, so the gate {verb}"
        return ruling._replace(why=f"{ruling.why}; {more} all the same. {void}", void=void)
    measured = {"pass": "PASS", "fail": "FAIL", "undecided": "UNDECIDED"}[ruling.verdict]
    why = f"the figure is void, so nothing is proved. {void} As measured: {measured}, {ruling.why}"
    return ruling._replace(verdict="error", why=why, void=void, needed=None)
