"""How a run differs from the last accepted one: paired by sample, for `not_worse_than last`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Measure
from adversity.contracts.values import PART_ROWS
from adversity.data.checksums import verified_file
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.summary.sample_values import sample_values
from adversity.metrics import paired_difference

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.data.stored import StoredRows
    from adversity.pipeline.gates.verdicts import Gate, LastRun
    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["changes_since"]

Array = np.ndarray[Any, Any]


def changes_since(past: PastRun, plan: Plan, outputs: Path) -> LastRun:
    """Return this run minus the accepted one, for what gates compare with `last`.

    Samples are joined by id, so that a data set that grew is compared on what both have. A
    measure that is no mean over samples (ECE), as its metric says, has none and is left out.

    Args:
        past: The accepted run.
        plan: The pipeline.
        outputs: Where this run's artifacts lie.

    Raises:
        StorageError: If a table of this run is missing or damaged, or one of that run is damaged.
    """
    changes: dict[tuple[str, str, str], Measure] = {}
    for gate in plan.gates:
        if gate.op is None:
            folder = outputs / plan.stage(gate.step).out
            then = _stored(past, gate.step)
            if then is None or not _keeps_rows(plan, gate.step, folder):
                continue
            now = StoredTable(verified_file(folder, TABLE))
            for cell in sorted(now.cells):
                change = _change(plan, gate, cell, now, then)
                if change is not None:
                    changes[gate.step, cell, gate.metric] = change
    return changes


def _stored(past: PastRun, step: str) -> StoredTable | None:
    """Open a table of the accepted run; one that is gone has nothing to compare with."""
    path = past.table(step)
    return StoredTable(past.verified(path)) if path.is_file() else None


def _keeps_rows(plan: Plan, step: str, folder: Path) -> bool:
    """Say whether a step has rows to pair: a metric that is no mean over samples leaves none."""
    return plan.steps[step].role != "measure" or (folder / TABLE).is_file()


def _values(plan: Plan, gate: Gate, cell: str, table: StoredTable) -> Array | None:
    """Return what a gate's measure is the mean of; in the step of a metric that is its column."""
    rows = table.cell(cell)
    if plan.steps[gate.step].role == "measure":
        return rows.get(gate.metric)
    return sample_values(plan.metrics, gate.metric, rows, table.classes.get(cell, ()))


def _change(
    plan: Plan, gate: Gate, cell: str, this_run: StoredTable, that_run: StoredTable
) -> Measure | None:
    now, then = this_run.cell(cell), that_run.cell(cell)
    _, first, second = np.intersect1d(
        now["id"].astype(str), then["id"].astype(str), return_indices=True
    )
    a, b = (_values(plan, gate, cell, table) for table in (this_run, that_run))
    if a is None or b is None or not len(first):
        return None
    if _same(now, then, first, second):
        # The chain gives the very same answers: no sample could tell the two runs apart.
        return Measure(0.0, len(first), 0.0, 0.0, method="the same rows")
    a, b = a[first], b[second]
    finite = np.isfinite(a.astype(np.float64)) & np.isfinite(b.astype(np.float64))
    return paired_difference(a[finite], b[finite]) if finite.any() else None


def _same(now: StoredRows, then: StoredRows, first: Array, second: Array) -> bool:
    """Say whether two runs gave every sample exactly the same row; a few rows are read at once."""
    if now.keys() != then.keys():
        return False
    cuts = range(PART_ROWS, len(first), PART_ROWS)
    for here, there in zip(np.split(first, cuts), np.split(second, cuts), strict=True):
        ours, theirs = now.at(here), then.at(there)
        for name, values in ours.items():
            if not np.array_equal(values, theirs[name], equal_nan=values.dtype.kind == "f"):
                return False
    return True
