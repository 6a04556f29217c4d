"""How a run differs from an earlier one: paired by sample, for gates `not_worse_than`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import ImageMetric, Measure
from adversity.data.checksums import verified_file
from adversity.data.sample_columns import GROUP, grouping_column, groups_of
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.calls.metric_call import column_of
from adversity.engine.summary.pairs import common_places, paired_change, same_rows
from adversity.engine.summary.same_samples import renamed
from adversity.engine.summary.sample_values import sample_values
from adversity_flows.runs.file_contents import contents_here
from adversity_flows.runs.measured_then import MeasuredThen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.data.stored import StoredRows
    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.pipeline.gates.earlier import Changes
    from adversity.pipeline.gates.gate_text import Gate
    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep

__all__ = ["changes_since"]

Array = np.ndarray[Any, Any]


def changes_since(past: RecordedRun, plan: Plan, outputs: Path, *, than: str) -> Changes:
    """Return this run minus an earlier one, for the gates that compare with it.

    Samples are joined by id, so that a data set that grew is compared on what both have; and one
    whose file was moved, under another id, by the file's content (`renamed`). A
    measure that is no mean over samples (ECE), as its metric says, has none and is left out. What
    is no change of one thing is a text that says why: it was measured otherwise then, or the
    pairs do not tell.

    Args:
        past: The earlier run.
        plan: The pipeline.
        outputs: Where this run's artifacts lie.
        than: What gates call the earlier run.

    Raises:
        StorageError: If a table of this run is missing or damaged, or one of that run is damaged.
    """
    runs = _Runs(past, plan, outputs, MeasuredThen(past.steps))
    changes: dict[tuple[str, str, str], Measure | str] = {}
    for gate in plan.gates:
        tables = runs.tables(gate.step) if gate.than == than else None
        if tables is None:
            continue
        planned = plan.steps[gate.step]
        for cell in runs.cells(planned):
            change = _change(runs, gate, planned, cell)
            if change is not None:
                changes[gate.step, cell.key, gate.metric] = change
    return changes


@dataclass(frozen=True, slots=True)
class _Runs:
    """The tables of this run and of the earlier one, and what that one says of its measures."""

    past: RecordedRun
    plan: Plan
    outputs: Path
    then: MeasuredThen
    opened: dict[str, tuple[StoredTable, StoredTable] | None] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)

    def tables(self, step: str) -> tuple[StoredTable, StoredTable] | None:
        """Return the table of a step, now and then; None where one of the runs has none."""
        if step not in self.opened:
            self.opened[step] = self._open(step)
        return self.opened[step]

    def _open(self, step: str) -> tuple[StoredTable, StoredTable] | None:
        folder = self.outputs / self.plan.stage(step).out
        # A metric that is no mean over samples leaves no rows.
        rowless = self.plan.steps[step].role == "measure" and not (folder / TABLE).is_file()
        then = None if rowless else self.past.table(step)
        if then is None:
            return None
        now = StoredTable(verified_file(folder, TABLE))
        return now, renamed(then, now, *(partial(of, step) for of in (self._then, self._now)))

    def _then(self, step: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the hash of what samples of a step were read from in the earlier run."""
        return self.past.contents(self.plan.chain(step).start, ids)

    def _now(self, step: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the same of this run."""
        return contents_here(self.plan, self.outputs, self.plan.chain(step).start, ids)

    def cells(self, planned: PlannedStep) -> list[Cell]:
        """Return the cells of a step that have rows, or its groups of samples, `by:`."""
        groups = self.measured_now(planned.id).get("groups", {})
        tables = self.tables(planned.id)
        there = [cell for cell in planned.cells if tables and cell.key in tables[0].cells]
        if planned.by is None:
            return there
        return [planned.group_cell(cell, name) for cell in there for name in groups[cell.key]]

    def measured_now(self, step: str) -> Any:
        """Return what this run measured in a step, as JSON."""
        if step not in self.measured:
            file = verified_file(self.outputs / self.plan.stage(step).out, "measures.json")
            self.measured[step] = json.loads(file.read_text(encoding="utf-8"))
        return self.measured[step]

    def rows(self, step: str, cell: Cell) -> tuple[StoredRows, StoredRows] | None:
        """Return the rows of a cell, now and then."""
        tables = self.tables(step)
        return tables and (tables[0].cell(cell.key), tables[1].cell(cell.key))

    def otherwise(self, planned: PlannedStep, cell: Cell, metric: str) -> str:
        """Say what of a measure was otherwise in the earlier run; empty where nothing was."""
        now = self.measured_now(planned.id)["cells"][cell.key].get(metric)
        # Without a measure of this run the gate is an error, whatever is compared.
        return "" if now is None else self.then.otherwise(self.plan, planned, cell, metric, now)

    def of_images(self, step: str, cell: Cell) -> tuple[set[str], set[str]]:
        """Return the columns of metrics of images, now and then: they are no part of an answer."""
        metrics = (metric for metric in self.plan.metrics if isinstance(metric, ImageMetric))
        return {column_of(metric) for metric in metrics}, {*self.then.measures(step, cell)}


def _values(plan: Plan, gate: Gate, cell: Cell, table: StoredTable) -> Array | None:
    """Return what a gate's measure is the mean of; in the step of a metric that is its column.

    Args:
        plan: The pipeline.
        gate: The gate.
        cell: One that the table has.
        table: Of this run or of the earlier one.
    """
    rows = table.cell(cell.key)
    if plan.steps[gate.step].role == "measure":
        return rows.get(gate.metric)
    return sample_values(plan.metrics, gate.metric, rows, table.classes.get(cell.key, ()))


def _change(runs: _Runs, gate: Gate, planned: PlannedStep, cell: Cell) -> Measure | str | None:
    tables = runs.tables(planned.id)
    if tables is None:
        return None
    own = planned.own(cell)
    rows = [table.cell(own.key) for table in tables]
    here, there = (_inside(planned, cell, each) for each in rows)
    at, then = common_places(rows[0]["id"][here], rows[1]["id"][there])
    first, second = here[at], there[then]
    a, b = (_values(runs.plan, gate, own, table) for table in tables)
    if a is None or b is None or not len(first):
        return None
    if otherwise := runs.otherwise(planned, cell, gate.metric):
        return otherwise
    a, b = a[first], b[second]
    if np.array_equal(a, b, equal_nan=True) and _same(runs, planned, cell):
        # The chain gives the very same answers: no sample could tell the two runs apart.
        return Measure(0.0, len(first), 0.0, 0.0, method="the same rows")
    groups = rows[0].get(GROUP)
    change = paired_change(a, b, None if groups is None else groups[first])
    return f"{change}; compare it with a number" if isinstance(change, str) else change


def _inside(planned: PlannedStep, cell: Cell, rows: StoredRows) -> Array:
    """Return the places of the rows that are of a cell's group of samples; of all without `by:`."""
    if planned.by is None:
        return np.arange(len(rows["id"]))
    column, name = rows.get(grouping_column(planned.by)), cell.as_dict()[planned.by]
    groups = {} if column is None else groups_of(column)
    return np.flatnonzero(groups[name]) if name in groups else np.arange(0)


def _same(runs: _Runs, planned: PlannedStep, cell: Cell) -> bool:
    """Say whether two runs gave every sample that both have exactly the same row.

    A metric's rows are verdicts, which other answers may give too: the tables that it measures
    must be the same as well.
    """
    own = planned.own(cell)
    rows = runs.rows(planned.id, own)
    if rows is None or not same_rows(*rows, aside=runs.of_images(planned.id, own)):
        return False
    steps = runs.plan.steps
    measured = planned.reads if planned.role == "measure" else ()
    tables = (steps[name] for name in measured if name in steps and steps[name].is_measured)
    return all(_same(runs, other, cell) for other in tables)
