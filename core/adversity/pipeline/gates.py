"""Gates judged: the one place where a verdict and an exit code come from.

A gate compares an interval with a limit. Without `lower` or `upper` it passes where the
whole interval lies on the good side, fails where the whole interval lies on the bad side,
and is undecided where the interval crosses the limit.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from adversity.contracts import Measure
from adversity.pipeline.findings import listed, suggestion
from adversity.pipeline.gate_text import Bound, Gate, Op
from adversity.report.model import CellResult, GateResult, StepSummary, Verdict

__all__ = ["Gate", "LastRun", "cell_key", "exit_code", "judge", "overall", "verdict"]

LastRun = Mapping[tuple[str, str, str], Measure]
"""How this run differs from the last accepted one.

The key is (step, cell key, metric), the cell key as `Cell.key` writes it. The measure is the
paired difference, this run minus the accepted one, over the samples that both have (joined
by id): its value, its interval, n pairs, and the metric's own `better`.
"""

_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_OUT_OF_REACH = 10**9
"""More samples than this is no advice: no data set of pictures has as many."""

_WORST_FIRST: tuple[Verdict, ...] = ("error", "fail", "undecided", "pass")


class _Ruling(NamedTuple):
    verdict: Verdict
    why: str
    margin: float
    needed: int | None = None


def judge(
    gates: Sequence[Gate],
    summaries: Mapping[str, StepSummary],
    last: LastRun | None = None,
) -> tuple[GateResult, ...]:
    """Judge every gate.

    Args:
        gates: From the plan.
        summaries: What each step measured, by id.
        last: Paired differences from the last accepted run; None if there is none yet.

    Returns:
        A result for each gate, in order, from the cell that decides: the worst one.
    """
    return tuple(_judge_gate(gate, summaries, last) for gate in gates)


def overall(results: Iterable[GateResult]) -> Verdict | None:
    """Return the worst verdict, or None where there are no gates."""
    found = {result.verdict for result in results}
    return next((verdict for verdict in _WORST_FIRST if verdict in found), None)


def verdict(gate: Gate, measure: Measure) -> Verdict:
    """Return what a gate that compares with a number says of one measure.

    Raises:
        ValueError: If the gate compares with the last run.
    """
    if gate.op is None or gate.limit is None:
        raise ValueError(f"expected a gate that compares with a number, got {gate.text!r}")
    return _compare(gate.metric, measure, gate.op, gate.limit, gate.bound).verdict


def exit_code(results: Iterable[GateResult], *, strict: bool = False) -> int:
    """Return 1 if a gate failed or could not be judged, or is undecided under `strict`; else 0."""
    verdict = overall(results)
    return int(verdict in {"fail", "error"} or (strict and verdict == "undecided"))


def cell_key(values: Mapping[str, str]) -> str:
    """Write a cell's values as `Cell.key` does."""
    return ",".join(f"{name}={value}" for name, value in values.items())


def _judge_gate(
    gate: Gate, summaries: Mapping[str, StepSummary], last: LastRun | None
) -> GateResult:
    summary = summaries.get(gate.step)
    if summary is None or not summary.cells:
        return _result(gate, _Ruling("error", f"{gate.step} gave no results", -math.inf))
    cells = [cell for cell in summary.cells if gate.selector.items() <= cell.cell.items()]
    if not cells:
        there = listed(cell_key(cell.cell) for cell in summary.cells)
        why = f"no cell of {gate.step} has {cell_key(gate.selector)}; there is: {there}"
        return _result(gate, _Ruling("error", why, -math.inf))
    results = [(cell, *_judge_cell(gate, cell, last)) for cell in cells]
    cell, ruling, measure = min(
        results, key=lambda found: (_WORST_FIRST.index(found[1].verdict), found[1].margin)
    )
    if len(cells) > 1 and ruling.verdict != "error":
        where = cell_key(cell.cell)
        ruling = ruling._replace(why=f"{ruling.why} at {where}, the worst of {len(cells)} cells")
    return _result(gate, ruling, cell.cell, measure)


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
    )


def _judge_cell(
    gate: Gate, cell: CellResult, last: LastRun | None
) -> tuple[_Ruling, Measure | None]:
    measure = cell.measures.get(gate.metric)
    if measure is None:
        known = sorted(cell.measures)
        hint = suggestion(gate.metric, known)
        if "did you mean" in hint:
            hint += f"; {gate.step} has {listed(known)}"
        return _Ruling("error", f"{gate.step} has no measure {gate.metric}{hint}", -math.inf), None
    if gate.op is not None and gate.limit is not None:
        return _compare(gate.metric, measure, gate.op, gate.limit, gate.bound), measure
    return _against_last(gate, cell, measure, last)


def _against_last(
    gate: Gate, cell: CellResult, measure: Measure, last: LastRun | None
) -> tuple[_Ruling, Measure | None]:
    """Judge `not_worse_than last`: the paired difference must not lie on the bad side of 0."""
    if last is None:
        return _Ruling("undecided", "no accepted run to compare with yet", 0.0), measure
    change = last.get((gate.step, cell_key(cell.cell), gate.metric))
    if change is None:
        why = (
            f"{gate.step}.{gate.metric} cannot be compared with the last accepted run: that run has "
            f"none, or it is no mean over values that each sample has in the table of {gate.step}, "
            "so that no two samples can be paired; compare it with a number"
        )
        return _Ruling("undecided", why, 0.0), measure
    better = change.better or measure.better
    if better is None:
        why = f"{gate.metric} has no good direction, so it cannot be worse; compare with a number"
        return _Ruling("error", why, -math.inf), change
    op: Op = ">=" if better == "higher" else "<="
    name = f"the change of {gate.metric} since the last accepted run"
    return _compare(name, change, op, 0.0, gate.bound), change


def _compare(name: str, measure: Measure, op: Op, limit: float, bound: Bound | None) -> _Ruling:
    value, low, high = measure.value, measure.low, measure.high
    good = 1.0 if op in (">=", ">") else -1.0
    if low is None or high is None:
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
    if distance == 0.0 or measure.n < 1:
        return None
    ratio = half / distance
    needed = measure.n * ratio * ratio  # inf, not an error, where a power would overflow
    return max(measure.n + 1, math.ceil(needed)) if needed <= _OUT_OF_REACH else None
