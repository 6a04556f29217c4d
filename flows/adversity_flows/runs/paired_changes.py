"""How a run differs from the last accepted one: paired by sample, for `not_worse_than last`."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep
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
    runs = _Runs(past, plan, outputs)
    changes: dict[tuple[str, str, str], Measure] = {}
    for gate in plan.gates:
        tables = runs.tables(gate.step) if gate.op is None else None
        if tables is None:
            continue
        planned = plan.steps[gate.step]
        for cell in (cell for cell in planned.cells if cell.key in tables[0].cells):
            change = _change(runs, gate, planned, cell)
            if change is not None:
                changes[gate.step, cell.key, gate.metric] = change
    return changes


@dataclass(frozen=True, slots=True)
class _Runs:
    """The tables of this run and of the accepted one."""

    past: PastRun
    plan: Plan
    outputs: Path
    opened: dict[str, tuple[StoredTable, StoredTable] | None] = field(default_factory=dict)

    def tables(self, step: str) -> tuple[StoredTable, StoredTable] | None:
        """Return the table of a step, now and then; None where one of the runs has none."""
        if step not in self.opened:
            self.opened[step] = self._open(step)
        return self.opened[step]

    def _open(self, step: str) -> tuple[StoredTable, StoredTable] | None:
        folder, then = self.outputs / self.plan.stage(step).out, self.past.table(step)
        # A metric that is no mean over samples leaves no rows.
        rowless = self.plan.steps[step].role == "measure" and not (folder / TABLE).is_file()
        if rowless or not then.is_file():
            return None
        return StoredTable(verified_file(folder, TABLE)), StoredTable(self.past.verified(then))

    def rows(self, step: str, cell: Cell) -> tuple[StoredRows, StoredRows] | None:
        """Return the rows of a cell, now and then."""
        tables = self.tables(step)
        return tables and (tables[0].cell(cell.key), tables[1].cell(cell.key))


def _values(plan: Plan, gate: Gate, cell: Cell, table: StoredTable) -> Array | None:
    """Return what a gate's measure is the mean of; in the step of a metric that is its column."""
    rows = table.cell(cell.key)
    if plan.steps[gate.step].role == "measure":
        return rows.get(gate.metric)
    return sample_values(plan.metrics, gate.metric, rows, table.classes.get(cell.key, ()))


def _change(runs: _Runs, gate: Gate, planned: PlannedStep, cell: Cell) -> Measure | None:
    tables = runs.tables(planned.id)
    if tables is None:
        return None
    first, second = _common(*(table.cell(cell.key) for table in tables))
    a, b = (_values(runs.plan, gate, cell, table) for table in tables)
    if a is None or b is None or not len(first):
        return None
    if _same(runs, planned, cell):
        # The chain gives the very same answers: no sample could tell the two runs apart.
        return Measure(0.0, len(first), 0.0, 0.0, method="the same rows")
    a, b = a[first], b[second]
    finite = np.isfinite(a.astype(np.float64)) & np.isfinite(b.astype(np.float64))
    return paired_difference(a[finite], b[finite]) if finite.any() else None


def _common(now: StoredRows, then: StoredRows) -> tuple[Array, Array]:
    """Return the places of the samples that both runs have."""
    return np.intersect1d(now["id"].astype(str), then["id"].astype(str), return_indices=True)[1:]


def _same(runs: _Runs, planned: PlannedStep, cell: Cell) -> bool:
    """Say whether two runs gave every sample that both have exactly the same row.

    A metric's rows are verdicts, which other answers may give too: the tables that it measures
    must be the same as well.
    """
    rows = runs.rows(planned.id, planned.own(cell))
    if rows is None or not _equal(*rows):
        return False
    steps = runs.plan.steps
    measured = planned.reads if planned.role == "measure" else ()
    tables = (steps[name] for name in measured if name in steps and steps[name].is_measured)
    return all(_same(runs, other, cell) for other in tables)


def _equal(now: StoredRows, then: StoredRows) -> bool:
    """Say whether the rows of the common samples are the same; a few are read at once."""
    if now.keys() != then.keys():
        return False
    first, second = _common(now, then)
    cuts = range(PART_ROWS, len(first), PART_ROWS)
    for here, there in zip(np.split(first, cuts), np.split(second, cuts), strict=True):
        ours, theirs = now.at(here), then.at(there)
        for name, values in ours.items():
            if not np.array_equal(values, theirs[name], equal_nan=values.dtype.kind == "f"):
                return False
    return True
