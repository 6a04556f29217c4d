"""Metrics in steps of their own: of one table, of two, of the cells of a step, of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import (
    CellMetric,
    ImageMetric,
    Measure,
    MeasuredCell,
    MeasureInfo,
    Metric,
    Table,
)
from adversity.data.sample_columns import of_samples
from adversity.data.stored import TABLE
from adversity.data.tables import write_parts
from adversity.engine.stages.by_groups import groups_in, joined, ungrouped_note
from adversity.engine.stages.columns import Columns, matrix_numbers, of_cell, require_the_same
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.stages.measure_images_stage import MeasureImagesRun
from adversity.engine.stages.measuring import described, located, measures_of_table, sample_columns
from adversity.engine.stages.read_result import read_result
from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.errors import DataError
from adversity.pipeline.plan.measures import known_behind
from adversity.pipeline.plan.model import Cell
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity.engine.calls.ready import Ready
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Plan, PlannedStep, Stage

__all__ = ["CellsRun", "TablesRun", "measure_run"]

_NAMED = 3
"""So many samples are named that one table has and the other has not."""


def measure_run(plan: Plan, stage: Stage, workspace: Workspace) -> StageRun:
    """Open a step that measures, by the shape of its metric."""
    cls = class_of(plan.steps[stage.step].entry)
    if issubclass(cls, ImageMetric):
        return MeasureImagesRun(plan, stage, workspace)
    run = CellsRun if issubclass(cls, CellMetric) else TablesRun
    return run(plan, stage, workspace)


class _FromStored(StageRun):
    """A step that measures what is stored: done while finishing, nothing lies in the store."""

    computes_in_shards = False

    def __init__(self, plan: Plan, stage: Stage, workspace: Workspace) -> None:
        """Open the stage."""
        super().__init__(plan, stage, workspace)
        self.groups: dict[str, tuple[str, ...]] = {}

    def note(self, said: str) -> None:
        """Note something once; nothing for an empty text."""
        self.notes += [said] if said and said not in self.notes else []

    @property
    def planned(self) -> PlannedStep:
        """The step."""
        return self.plan.steps[self.stage.step]

    def split(self) -> list[Shard]:
        """Return the one shard."""
        return [Shard(0, Cell(), 0, "measure")]

    def pending(self) -> tuple[Shard, ...]:
        """Return it."""
        return self.shards

    def run_shard(self, shard: Shard) -> None:
        """Do nothing; `finish` measures."""

    def ready(self, cell: Cell) -> Ready:
        """Return the metric, set up."""
        return self.toolbox.ready(self.stage.step, cell)

    def result(self, measures: Mapping[Cell, Mapping[str, Measure]], rows: int) -> StageResult:
        """Return what was measured; a cell without any measure is noted."""
        for cell, own in measures.items():
            if not own:
                where = f"[{cell.key}]" if cell.key else ""
                self.notes.append(
                    f"{self.stage.step}{where}: {self.ready(cell).label} gave no measure"
                )
        by_key = {cell.key: own for cell, own in measures.items()}
        return StageResult(self.stage.step, by_key, tuple(self.notes), rows, self.groups)


class TablesRun(_FromStored):
    """A metric on the table of a step, compared with that of another one if it compares."""

    def fill(self, out: Path) -> StageResult:
        """Measure each cell; what the measures are means of is written as a table."""
        measures: dict[Cell, dict[str, Measure]] = {}
        parts: list[Columns] = []
        numbers = matrix_numbers(self.planned.cells)
        total, keeps = 0, False
        for cell in self.planned.cells:
            table, reference = self._tables(cell)
            ready = self.ready(cell)
            self._require_columns(ready, table, reference)
            with located(self.planned, cell):
                own, values = self._measured(cell, ready, table, reference)
            measures |= own
            total += len(table)
            keeps = keeps or bool(values)
            parts.append({**of_cell(cell, numbers, len(table)), **self._rows(table, values)})
        if keeps:
            for part in parts[1:]:
                require_the_same(parts[0], part)
            write_parts(out / TABLE, parts)
        return self.result(measures, total)

    def _measured(
        self, cell: Cell, ready: Ready, table: Table, reference: Table | None
    ) -> tuple[dict[Cell, dict[str, Measure]], Columns]:
        """Return the measures of a cell, or of its groups, and what they are means of."""
        if self.planned.by is None:
            measures = measures_of_table(ready, table, reference)
            return {cell: measures}, sample_columns(ready, table, reference)
        found: dict[Cell, dict[str, Measure]] = {}
        values = []
        tables = [table] if reference is None else [table, reference]
        for name, rows, [part, *other] in groups_in(self.planned, ready, tables):
            second = other[0] if other else None
            found[self.planned.group_cell(cell, name)] = measures_of_table(ready, part, second)
            values.append((rows, sample_columns(ready, part, second)))
            self.groups[cell.key] = (*self.groups.get(cell.key, ()), name)
        self.note(ungrouped_note(self.planned, table))
        return found, joined(values, len(table))

    def _rows(self, table: Table, values: Columns) -> Columns:
        """Return a column for each measure that is a mean over samples, beside what rows they are."""
        return {
            "id": table["id"],
            **values,
            **{name: table[name] for name in of_samples(table.columns)},
        }

    def _tables(self, cell: Cell) -> tuple[Table, Table | None]:
        table = self._table(self.planned.upstream, cell)
        if self.planned.against is None:
            return table, None
        reference = self._table(self.planned.against, cell)
        if class_of(self.planned.entry).compares == "samples":  # type: ignore[attr-defined]
            self._require_the_same_samples(cell, table, reference)
        return table, reference

    def _table(self, step: str, cell: Cell) -> Table:
        """Return the rows of a step.

        Raises:
            DataError: If it measures, and keeps none.
        """
        if (
            not (self.toolbox.artifact(step) / TABLE).is_file()
            and self.plan.steps[step].role == "measure"
        ):
            raise DataError(
                f"{self.planned.line}: {self.stage.step} measures rows, and {step} keeps none: what "
                "it measures is no mean over samples; name another step"
            )
        key = cell.restrict(self.plan.steps[step].variables).key
        classes = self.toolbox.table(step).classes.get(key, ())
        return Table(stored_rows(self.toolbox, step, cell), classes)

    def _require_the_same_samples(self, cell: Cell, table: Table, reference: Table) -> None:
        """Refuse two tables of different samples.

        Raises:
            DataError: With the names of some that one of the two has alone.
        """
        ours, theirs = set(table["id"].tolist()), set(reference["id"].tolist())
        upstream, against = self.planned.upstream, self.planned.against
        sides = ((upstream, against, ours - theirs), (against, upstream, theirs - ours))
        for one, other, more in sides:
            if more:
                named = ", ".join(sorted(more)[:_NAMED]) + (", ..." if len(more) > _NAMED else "")
                where = f" in the cell {cell.key}" if cell.key else ""
                raise DataError(
                    f"{self.planned.line}: {self.stage.step} compares {upstream} with {against} sample "
                    f"by sample{where}: expected the same samples in both, {one} has {len(more):,} "
                    f"that {other} lacks ({named}); let both come from the same data"
                )

    def _require_columns(self, ready: Ready, table: Table, reference: Table | None) -> None:
        """Refuse a table that lacks what the metric wants: the step asked for it by name.

        Raises:
            DataError: With the columns that are missing.
        """
        metric: Metric = ready.plugin
        steps = (self.planned.upstream, self.planned.against)
        for step, given in zip(steps, (table, reference), strict=True):
            if given is None or metric.takes(given):
                continue
            lacking = [name for name in metric.wants if not given.has(name)]
            fault = f"lacks {', '.join(lacking)}" if lacking else "is none that it measures"
            raise DataError(
                f"{self.planned.line}: {ready.label} measures tables with {', '.join(metric.wants)}; "
                f"that of {step} {fault}. Name another step, or label its data"
            )


class CellsRun(_FromStored):
    """A metric on the cells of a step along the variables of `over:`."""

    def fill(self, out: Path) -> StageResult:
        """Fold the cells that agree in every other variable."""
        upstream = self.plan.steps[self.planned.upstream]
        result = read_result(self.plan, self.plan.stage(upstream.id), self.workspace)
        known = known_behind(upstream, self.plan.steps, self.plan.metrics)
        measures: dict[Cell, dict[str, Measure]] = {}
        for cell in self.planned.cells:
            folded = self.planned.folds(upstream, cell)
            cells = [self._cell(other, result.measures[other.key], known) for other in folded]
            ready = self.ready(cell)
            with located(self.planned, cell):
                measures[cell] = described(ready, ready.call(cells), ready.call.gives(known))
        return self.result(measures, result.rows)

    def _cell(
        self, cell: Cell, measures: Mapping[str, Measure], known: Mapping[str, MeasureInfo]
    ) -> MeasuredCell:
        nothing = MeasureInfo()
        described = {
            name: measure.known_as(known.get(name, nothing)) for name, measure in measures.items()
        }
        return MeasuredCell(cell.as_dict(), described, self._table(cell))

    def _table(self, cell: Cell) -> Table:
        step = self.planned.upstream
        if not (self.toolbox.artifact(step) / TABLE).is_file():
            return Table({"id": np.array([], dtype=object)})  # a metric that keeps no rows
        stored = self.toolbox.table(step)
        return Table(stored.cell(cell.key), stored.classes.get(cell.key, ()))
