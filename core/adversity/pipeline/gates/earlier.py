"""Gates that compare this run with an earlier one: the last accepted run, or that of a commit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.pipeline.gates.gate_text import LAST
from adversity.pipeline.gates.rulings import Ruling, compare
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from adversity.contracts import Measure
    from adversity.pipeline.gates.gate_text import Gate, Op
    from adversity.report.values.model import CellResult

__all__ = ["Changes", "Earlier", "EarlierRun", "against_earlier"]

Changes = Mapping[tuple[str, str, str], "Measure | str"]
"""How this run differs from an earlier one.

The key is (step, cell key, metric), the cell key as `Cell.key` writes it. The measure is the
paired difference, this run minus the earlier one, over the samples that both have (joined
by id): its value, its interval, n pairs, and the metric's own `better`. A text says why the
two are no change of one thing.
"""


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that gates compare this one with.

    Attributes:
        name: As a sentence names it: `the last accepted run`, `main (1a2b3c4d5e6f)`.
        changes: How this run differs from it; a text where it has nothing to compare with.
    """

    name: str
    changes: Changes | str


Earlier = Mapping[str, EarlierRun]
"""Earlier runs by what a gate calls them: `last`, a branch, a tag, a commit."""

_NOT_WORSE: dict[str | None, Op] = {"higher": ">=", "lower": "<="}
"""On which side of 0 the change of a measure must lie, by its good direction."""


def against_earlier(
    gate: Gate, cell: CellResult, measure: Measure, earlier: Earlier
) -> tuple[Op | None, Ruling, Measure]:
    """Judge `not_worse_than`: the paired difference must not lie on the bad side of 0.

    Args:
        gate: One that compares with an earlier run.
        cell: Of its step.
        measure: What this run measured there.
        earlier: The runs that there are.

    Returns:
        How the change is compared with 0, the ruling, and what it rests on.
    """
    better = measure.better
    op = _NOT_WORSE.get(better)
    run = earlier.get(gate.than)
    if run is None:
        missing = "accepted run" if gate.than == LAST else f"run of {gate.than}"
        return op, Ruling("undecided", f"no {missing} to compare with yet", 0.0), measure
    change: Measure | str | None = run.changes if isinstance(run.changes, str) else None
    if not isinstance(run.changes, str):
        change = run.changes.get((gate.step, cell_key(cell.cell), gate.metric))
    if change is None:
        change = (
            f"that run has none, it is no mean over values that each sample has in the table of "
            f"{gate.step}, or its metric gives no value for each sample (`per_sample`), so that no two "
            "samples can be paired; compare it with a number"
        )
    if isinstance(change, str):
        why = f"{gate.step}.{gate.metric} cannot be compared with {run.name}: {change}"
        return op, Ruling("undecided", why, 0.0), measure
    change = replace(change, info=measure.info)
    better = change.better or better
    if better is None:
        why = f"{gate.metric} has no good direction, so it cannot be worse; compare with a number"
        return None, Ruling("error", why, -math.inf, change=True), change
    op = _NOT_WORSE[better]
    name = f"the change of {gate.metric} since {run.name}"
    return op, compare(name, change, op, 0.0, gate.bound)._replace(change=True), change
