"""A metric of images in a step of its own: images through views, and a number for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Table
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.metric_call import column_of
from adversity.engine.stages.by_groups import groups_in, ungrouped_note
from adversity.engine.stages.columns import Columns, join, of_restorations
from adversity.engine.stages.image_values import image_values, why_not, without_clean
from adversity.engine.stages.measuring import located, measures_of_rows
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.table_stage import TableRun
from adversity.errors import DataError
from adversity.pipeline.plan.in_versions import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.contracts import Measure
    from adversity.engine.stages.columns import Rows
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["MeasureImagesRun"]


class MeasureImagesRun(TableRun):
    """A metric of images applied to those of a data set, a view or an attack."""

    def split(self) -> list[Shard]:
        """Cut as usual.

        Raises:
            DataError: If the metric compares images with clean ones, and there are none.
        """
        why = without_clean(self)
        if why is not None and any(metric.full_reference for metric in self.metrics()):
            raise DataError(
                f"{self.planned.line}: {self.planned.entry.label} compares images with clean ones: "
                f"{why}. Measure images behind a degradation of clean data, or data with clean "
                "references, or use a no-reference metric"
            )
        return super().split()

    def content(self, cell: Cell) -> list[object]:
        """Hash the data and every link, this step with its metric included."""
        links = [self.identity(link.id, cell) for link in self.chain.links]
        images = settings_of(self.plan.data, self.data).images
        return [self.source(cell).content, links, images]

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return none: nothing is classified."""
        return ()

    def metrics(self) -> Iterator[Any]:
        """Return the metric of this step, and no other."""
        yield self.toolbox.plugin(self.stage.step, self.planned.cells[0])

    def compute(self, shard: Shard) -> Columns:
        """Measure the shard, a batch at a time."""
        size = self.plan.spec.run.batch_size
        return join(
            [
                self._batch(shard.cell, [shard.samples[i] for i in span])
                for span in spans(len(shard.samples), size)
            ]
        )

    def _batch(self, cell: Cell, index: list[int]) -> Columns:
        current = step_images(self.toolbox, self.planned.upstream, cell, index)
        ready = self.toolbox.ready(self.stage.step, cell)
        with located(self.planned, cell):
            values = image_values(ready, current)
        return {
            "id": np.array(current.ids, dtype=object),
            **of_restorations(current),
            column_of(ready.plugin): values,
        }

    def fill(self, out: Path) -> StageResult:
        """Write the table and measure each cell, or its groups."""
        result = super().fill(out)
        if self.planned.by is None:
            return result
        stored, groups = StoredTable(out / TABLE), dict[str, tuple[str, ...]]()
        measures: dict[str, dict[str, Measure]] = {}
        notes = dict.fromkeys(result.notes)
        for cell in self.planned.cells:
            table = Table(stored.cell(cell.key))
            for name, _, [part] in groups_in(self.planned, None, [table]):
                own = self.planned.group_cell(cell, name)
                measures[own.key] = self.measured(part.columns, (), own)
                groups[cell.key] = (*groups.get(cell.key, ()), name)
            notes |= dict.fromkeys(filter(None, [ungrouped_note(self.planned, table)]))
        return replace(result, measures=measures, groups=groups, notes=tuple(notes))

    def measured(self, rows: Rows, class_names: tuple[str, ...], cell: Cell) -> dict[str, Measure]:
        """Measure the column.

        Raises:
            DataError: If no image could be measured.
        """
        ready = self.toolbox.ready(self.stage.step, cell)
        if np.isnan(rows[column_of(ready.plugin)]).all():
            where = f" in the cell {cell.key}" if cell.key else ""
            raise DataError(
                f"{self.planned.line}: {ready.label} could measure none of the images of "
                f"{self.planned.upstream}{where}: each "
                f"{why_not(ready.plugin, self.source(cell))}"
            )
        return measures_of_rows([ready], rows, class_names)
