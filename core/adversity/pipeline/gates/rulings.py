"""What a number says of a limit: the ruling of a gate in one cell."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.contracts import Measure
    from adversity.pipeline.gates.gate_text import Bound, Op
    from adversity.report.values.model import Verdict

__all__ = ["Ruling", "compare"]

_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_OUT_OF_REACH = 10**9
"""More samples than this is no advice: no data set of images has as many."""


class Ruling(NamedTuple):
    """What is ruled of one cell.

    Attributes:
        verdict: `pass`, `fail`, `undecided` or `error`.
        why: One sentence.
        margin: How far on the good side it lies; among several cells the smallest decides.
        needed: About how many samples would settle it.
        change: It is of a change since an earlier run, not of a figure of this one.
        void: Why the figure is not believed; empty where it is.
    """

    verdict: Verdict
    why: str
    margin: float
    needed: int | None = None
    change: bool = False
    void: str = ""


def compare(name: str, measure: Measure, op: Op, limit: float, bound: Bound | None) -> Ruling:
    """Hold a measure against a limit: its whole interval, one bound of it, or the bare number."""
    value, low, high = measure.value, measure.low, measure.high
    good = 1.0 if op in (">=", ">") else -1.0
    if low is None or high is None:
        if bound is not None:
            why = (
                f"{name} has no interval, so it has no {bound} bound; leave {bound} out, and the number "
                "itself decides, or take the mean over cells that were drawn (`cells: drawn`), which has one"
            )
            return Ruling("error", why, -math.inf)
        note = "no interval, so the number itself decides"
        return _single(f"{name} ({note})", value, op, limit)
    if bound is not None:
        end = low if bound == "lower" else high
        return _single(f"the {bound} {measure.level:.0%} bound of {name}", end, op, limit)
    margin = min(good * (low - limit), good * (high - limit))
    interval = f"{name} is {value:.4g}, {measure.level:.0%} interval {low:.4g} to {high:.4g}"
    holds = [_COMPARE[op](end, limit) for end in (low, high)]
    if all(holds):
        return Ruling("pass", f"{interval}, all of it {op} {limit:.4g}", margin)
    if not any(holds):
        return Ruling("fail", f"{interval}, none of it {op} {limit:.4g}", margin)
    needed = _needed(measure, low, high, limit)
    more = f"; about {needed} samples would settle it" if needed else ""
    return Ruling("undecided", f"{interval}, across {limit:.4g}{more}", margin, needed)


def _single(name: str, number: float, op: Op, limit: float) -> Ruling:
    holds = _COMPARE[op](number, limit)
    margin = (number - limit) * (1.0 if op in (">=", ">") else -1.0)
    relation = "which is" if holds else "which is not"
    why = f"{name} is {number:.4g}, {relation} {op} {limit:.4g}"
    return Ruling("pass" if holds else "fail", why, margin)


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
