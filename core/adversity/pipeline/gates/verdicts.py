"""Gates judged, one by one; what they come to together is said by `report.doubts.judgement`.

A gate compares an interval with a limit. Without `lower` or `upper` it passes where the
whole interval lies on the good side, fails where the whole interval lies on the bad side,
and is undecided where the interval crosses the limit. Where there is no interval, the number
itself decides, and `lower` or `upper` is an error. Where the report calls the figure void,
the gate is an error, unless the void figure proves its verdict all the same.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from adversity.contracts import Measure
from adversity.pipeline.gates.gate_text import Bound, Gate, Op
from adversity.pipeline.read.findings import listed, suggestion
from adversity.report.doubts.void_figures import why_void
from adversity.report.values.model import Caveat, CellResult, GateResult, StepSummary, Verdict
from adversity.report.values.paired import cell_key

__all__ = ["Gate", "LastRun", "judge", "verdict"]

LastRun = Mapping[tuple[str, str, str], Measure | str]
"""How this run differs from the last accepted one.

The key is (step, cell key, metric), the cell key as `Cell.key` writes it. The measure is the
paired difference, this run minus the accepted one, over the samples that both have (joined
by id): its value, its interval, n pairs, and the metric's own `better`. A text says why the
two are no change of one thing.
"""

_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_NOT_WORSE: dict[str | None, Op] = {"higher": ">=", "lower": "<="}
"""On which side of 0 the change of a measure must lie, by its good direction."""
_OUT_OF_REACH = 10**9
"""More samples than this is no advice: no data set of images has as many."""

_ACROSS_CELLS: tuple[Verdict, ...] = ("fail", "error", "undecided", "pass")
"""A gate must hold in every cell: one that fails decides, whatever another one hides."""


class _Ruling(NamedTuple):
    verdict: Verdict
    why: str
    margin: float
    needed: int | None = None
    change: bool = False
    void: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a gate is judged by besides its measure."""

    summaries: Mapping[str, StepSummary]
    last: LastRun | None
    caveats: Sequence[Caveat] = ()


def judge(
    gates: Sequence[Gate],
    summaries: Mapping[str, StepSummary],
    last: LastRun | None = None,
    *,
    caveats: Sequence[Caveat] = (),
) -> tuple[GateResult, ...]:
    """Judge every gate.

    Args:
        gates: From the plan.
        summaries: What each step and data set measured, by id.
        last: Paired differences from the last accepted run; None if there is none yet.
        caveats: What the report says against its figures; a gate that rests on a void one is an
            error unless the figure proves the verdict all the same.

    Returns:
        A result for each gate, in order, from the cell that decides: one that fails, else one
        that cannot be judged, else the worst.
    """
    known = _Known(summaries, last, caveats)
    return tuple(_judge_gate(gate, known) for gate in gates)


def verdict(gate: Gate, measure: Measure) -> Verdict:
    """Return what a gate that compares with a number says of one measure.

    Raises:
        ValueError: If the gate compares with the last run.
    """
    if gate.op is None or gate.limit is None:
        raise ValueError(f"expected a gate that compares with a number, got {gate.text!r}")
    return _compare(gate.metric, measure, gate.op, gate.limit, gate.bound).verdict


def _judge_gate(gate: Gate, known: _Known) -> GateResult:
    summary = known.summaries.get(gate.step)
    if summary is None or not summary.cells:
        return _result(gate, _Ruling("error", f"{gate.step} gave no results", -math.inf))
    cells = [cell for cell in summary.cells if gate.selector.items() <= cell.cell.items()]
    if not cells:
        there = listed(cell_key(cell.cell) for cell in summary.cells)
        why = f"no cell of {gate.step} has {cell_key(gate.selector)}; there is: {there}"
        return _result(gate, _Ruling("error", why, -math.inf))
    results = [(cell, *_judge_cell(gate, summary, cell, known)) for cell in cells]
    cell, ruling, measure = min(
        results, key=lambda judged: (_ACROSS_CELLS.index(judged[1].verdict), judged[1].margin)
    )
    return _result(
        gate, _among(ruling, cell, [judged[1] for judged in results]), cell.cell, measure
    )


def _among(ruling: _Ruling, cell: CellResult, rulings: Sequence[_Ruling]) -> _Ruling:
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
    ruling: _Ruling,
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
        void=ruling.void,
    )


def _judge_cell(
    gate: Gate, summary: StepSummary, cell: CellResult, known: _Known
) -> tuple[_Ruling, Measure | None]:
    measure = cell.measures.get(gate.metric)
    if measure is None:
        names = sorted(cell.measures)
        hint = suggestion(gate.metric, names)
        if "did you mean" in hint:
            hint += f"; {gate.step} has {listed(names)}"
        return _Ruling("error", f"{gate.step} has no measure {gate.metric}{hint}", -math.inf), None
    op, ruling, judged = (
        _against_last(gate, cell, measure, known.last)
        if gate.op is None or gate.limit is None
        else (gate.op, _compare(gate.metric, measure, gate.op, gate.limit, gate.bound), measure)
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
    ruling: _Ruling, op: Op | None, side: Literal["at most", "at least"] | None, void: str
) -> _Ruling:
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


def _against_last(
    gate: Gate, cell: CellResult, measure: Measure, last: LastRun | None
) -> tuple[Op | None, _Ruling, Measure]:
    """Judge `not_worse_than last`: the paired difference must not lie on the bad side of 0."""
    better = measure.better
    op = _NOT_WORSE.get(better)
    if last is None:
        return op, _Ruling("undecided", "no accepted run to compare with yet", 0.0), measure
    change = last.get((gate.step, cell_key(cell.cell), gate.metric))
    if change is None:
        change = (
            f"that run has none, it is no mean over values that each sample has in the table of "
            f"{gate.step}, or its metric gives no value for each sample (`per_sample`), so that no two "
            "samples can be paired; compare it with a number"
        )
    if isinstance(change, str):
        why = f"{gate.step}.{gate.metric} cannot be compared with the last accepted run: {change}"
        return op, _Ruling("undecided", why, 0.0), measure
    change = replace(change, info=measure.info)
    better = change.better or better
    if better is None:
        why = f"{gate.metric} has no good direction, so it cannot be worse; compare with a number"
        return None, _Ruling("error", why, -math.inf, change=True), change
    op = _NOT_WORSE[better]
    name = f"the change of {gate.metric} since the last accepted run"
    return op, _compare(name, change, op, 0.0, gate.bound)._replace(change=True), change


def _compare(name: str, measure: Measure, op: Op, limit: float, bound: Bound | None) -> _Ruling:
    value, low, high = measure.value, measure.low, measure.high
    good = 1.0 if op in (">=", ">") else -1.0
    if low is None or high is None:
        if bound is not None:
            why = (
                f"{name} has no interval, so it has no {bound} bound; leave {bound} out, and the number "
                "itself decides, or take the mean over cells that were drawn (`cells: drawn`), which has one"
            )
            return _Ruling("error", why, -math.inf)
        note = "no interval, so the number itself decides"
        return _single(f"{name} ({note})", value, op, limit)
    if bound is not None:
        end = low if bound == "lower" else high
        return _single(f"the {bound} {measure.level:.0%} bound of {name}", end, op, limit)
    margin = min(good * (low - limit), good * (high - limit))
    interval = f"{name} is {value:.4g}, {measure.level:.0%} interval {low:.4g} to {high:.4g}"
    holds = [_COMPARE[op](end, limit) for end in (low, high)]
    if all(holds):
        return _Ruling("pass", f"{interval}, all of it {op} {limit:.4g}", margin)
    if not any(holds):
        return _Ruling("fail", f"{interval}, none of it {op} {limit:.4g}", margin)
    needed = _needed(measure, low, high, limit)
    more = f"; about {needed} samples would settle it" if needed else ""
    return _Ruling("undecided", f"{interval}, across {limit:.4g}{more}", margin, needed)


def _single(name: str, number: float, op: Op, limit: float) -> _Ruling:
    holds = _COMPARE[op](number, limit)
    margin = (number - limit) * (1.0 if op in (">=", ">") else -1.0)
    relation = "which is" if holds else "which is not"
    why = f"{name} is {number:.4g}, {relation} {op} {limit:.4g}"
    return _Ruling("pass" if holds else "fail", why, margin)


def _needed(measure: Measure, low: float, high: float, limit: float) -> int | None:
    """Return how many samples would shrink the interval clear of the limit, or None.

    The half-width shrinks with the square root of n while the value stays where it is. A value
    that lies on the limit, or so near it that nobody could gather the samples, gets no number.
    """
    distance = abs(measure.value - limit)
    half = measure.value - low if measure.value > limit else high - measure.value
    if distance == 0.0 or measure.n < 1 or (measure.method or "").endswith("grouped"):
        return None  # more samples of the same groups would not
    ratio = half / distance
    needed = measure.n * ratio * ratio  # inf, not an error, where a power would overflow
    return max(measure.n + 1, math.ceil(needed)) if needed <= _OUT_OF_REACH else None
