"""What predictions, scores and attacks share: rows in shards, a table and its measures.

A table is written and measured a part of a cell after the other, so that memory is bounded by a
shard and a part, whatever the number of cells, samples and classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import ImageMetric, Measure, MetricBase
from adversity.contracts.table import PART_ROWS
from adversity.data.stored import TABLE, StoredTable
from adversity.data.tables import read_table, write_parts, write_table
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.metric_call import column_of
from adversity.engine.stages.channels import require_channels
from adversity.engine.stages.columns import (
    Columns,
    Rows,
    filled,
    join,
    matrix_numbers,
    of_cell,
    require_the_same,
    sort_by_id,
)
from adversity.engine.stages.image_values import (
    image_values,
    infinite_note,
    why_not,
    without_clean,
)
from adversity.engine.stages.measuring import measures_of_rows
from adversity.engine.stages.of_samples import OfSamples
from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.pipeline.plan.in_versions import settings_of
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from adversity.data.reading import Source
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["TableRun"]


class TableRun(StageRun):
    """A stage that leaves one row for each sample and cell."""

    ragged: frozenset[str] = frozenset()  # columns that are not as wide in each cell

    @property
    def planned(self) -> PlannedStep:
        """The step."""
        return self.plan.steps[self.stage.step]

    @property
    def chain(self) -> Chain:
        """What the images go through, from their data set to this step."""
        return self.plan.chain(self.stage.step)

    @property
    def data(self) -> str:
        """The data set whose samples are the rows."""
        return self.chain.start

    def source(self, cell: Cell) -> Source:
        """Return the data set, open, in the version of a cell."""
        return self.toolbox.source(self.data, cell)

    @cached_property
    def versions(self) -> dict[str, Cell]:
        """The first cell that reads each version of the data set, by its id in the plan."""
        return {self.toolbox.data(self.data, cell).id: cell for cell in self.planned.cells[::-1]}

    @property
    def classifier(self) -> str:
        """The step whose classes `target` and `prediction` index."""
        return self.chain.classifier.id

    @abstractmethod
    def content(self, cell: Cell) -> Sequence[object]:
        """Return everything a cell's rows depend on, as JSON values."""

    def cell_key(self, cell: Cell) -> str:
        """Return the store's key of a cell."""
        if cell not in self._keys:
            self._keys[cell] = self.key(self.content(cell))
        return self._keys[cell]

    @abstractmethod
    def compute(self, shard: Shard) -> Columns:
        """Return the rows of a shard, `id` first."""

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return the classes that `target` and `prediction` index."""
        names: tuple[str, ...] = self.toolbox.ready(self.classifier, cell).plugin.class_names
        return names

    def targets(self, cell: Cell) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """Return the labels of the data set as classes of what answers; None if it has none."""
        return self.toolbox.targets(self.data, self.classifier, cell)

    def split(self) -> list[Shard]:
        """Cut each cell into shards of one image size, in the order of ids.

        So the rows of a table, which are sorted by id, lie one after the other in few shards.
        """
        self._keys: dict[Cell, str] = {}
        orders: dict[str, list[int]] = {}
        for name, cell in self.versions.items():
            source = self.source(cell)
            require_channels(source, name, self.chain.links)
            orders[name] = sorted(range(len(source)), key=source.ids.__getitem__)
        size = self.plan.spec.run.shard_size
        shards: list[Shard] = []
        for cell in self.planned.cells:
            order = orders[self.toolbox.data(self.data, cell).id]
            cuts = [
                tuple(rows[i] for i in span)
                for rows in self.source(cell).alike(order)
                for span in spans(len(rows), size)
            ]
            for number, rows in enumerate(cuts):
                label = f"{cell.key} {number + 1}/{len(cuts)}".strip()
                name = f"{size}-{number:05d}.parquet"
                shards.append(Shard(len(shards), cell, len(rows), label, rows, name))
        return shards

    def pending(self) -> tuple[Shard, ...]:
        """Return the shards that are not finished in the store."""
        return tuple(shard for shard in self.shards if not self.done(shard))

    def done(self, shard: Shard) -> bool:
        """Say whether everything of a shard is in the store, and as it was written."""
        return self.store.has(self.cell_key(shard.cell), shard.name)

    def waves(self, *, force: bool = False) -> Iterator[tuple[Shard, ...]]:
        """Yield them all at once; forced, those that are finished leave the store before."""
        for wave in super().waves(force=force):
            if force:
                self.discard(wave)
            yield wave

    def discard(self, shards: Iterable[Shard]) -> None:
        """Take the tables of shards out of the store."""
        for shard in shards:
            self.store.remove(self.cell_key(shard.cell), shard.name)

    def run_shard(self, shard: Shard) -> None:
        """Compute the rows and put them into the store."""
        if self.done(shard):
            return
        with preserve_global_rng():
            columns = self.compute(shard)
        key = self.cell_key(shard.cell)
        self.store.put(key, shard.name, lambda path: write_table(path, columns))

    def shard_rows(self, shard: Shard) -> Columns:
        """Return the rows of a finished shard."""
        return self.store.read(self.cell_key(shard.cell), shard.name, read_table)

    def shards_of(self, cell: Cell) -> list[Shard]:
        """Return the shards that hold each sample of a cell once."""
        return [shard for shard in self.shards if shard.cell == cell]

    def parts(self, cell: Cell) -> Iterator[Columns]:
        """Yield the rows of a cell sorted by id, so many at a time; shards are read one by one."""
        ids, shards = self.source(cell).ids, self.shards_of(cell)
        places = sorted((ids[i], at) for at, shard in enumerate(shards) for i in shard.samples)
        held: tuple[int, Columns] = -1, {}
        for span in spans(len(places), PART_ROWS):
            place_of = dict(places[span.start : span.stop])
            parts = []
            for at in dict.fromkeys(place_of.values()):
                held = held if held[0] == at else (at, self.shard_rows(shards[at]))
                inside = np.array([sample in place_of for sample in held[1]["id"]])
                parts.append({name: values[inside] for name, values in held[1].items()})
            yield sort_by_id(join(parts))

    def fill(self, out: Path) -> StageResult:
        """Write the cells to one table, a part after the other, and measure each."""
        classes = {cell.key: self.class_names(cell) for cell in self.planned.cells}
        write_parts(out / TABLE, self._labelled(), classes, self.ragged)
        table = StoredTable(out / TABLE)
        measures: dict[str, Mapping[str, Measure]] = {}
        unmeasured: Counter[str] = Counter()
        for cell in self.planned.cells:
            rows = table.cell(cell.key)
            measures[cell.key] = self.measured(rows, classes[cell.key], cell)
            for name in map(column_of, self._image_metrics(rows)):
                lacking = int(np.isnan(rows[name]).sum())
                unmeasured[name] += lacking
                if name not in measures[cell.key] and lacking < rows.count:
                    where = self.stage.step + (f"[{cell.key}]" if cell.key else "")
                    self.notes.append(infinite_note(where, name, rows.count - lacking))
        self._note_unmeasured(unmeasured, table.rows.count)
        return StageResult(self.stage.step, measures, tuple(self.notes), table.rows.count)

    def _labelled(self) -> Iterator[Columns]:
        """Yield the parts of all cells, each with the names of its cell; all have the same columns."""
        first, in_turn = Columns(), self._columns_in_turn()
        numbers = matrix_numbers(self.planned.cells)
        said = {id_: OfSamples(self.source(cell), id_) for id_, cell in self.versions.items()}
        self.notes += (note for one in said.values() for note in one.notes)
        for cell in self.planned.cells:
            of_samples = said[self.toolbox.data(self.data, cell).id]
            for rows in self.parts(cell):
                labels = of_cell(cell, numbers, len(rows["id"]))
                part = filled({**labels, **rows, **of_samples.of(rows["id"])}, in_turn)
                first = first or {name: column[:0] for name, column in part.items()}
                require_the_same(first, part, self.ragged)
                yield {name: part[name] for name in first}

    def _columns_in_turn(self) -> Columns:
        """Return, without rows, the columns of plugins that take turns: each has its own.

        Those of restorations begin with the step's name, and a score's has the plugin's.
        """
        steps = [link.id for link in self.chain.links if len(link.plugin_entries) > 1]
        starts = tuple(f"{step}{sign}" for step in steps for sign in "._")
        scores = {entry.name for entry in self.planned.plugin_entries}
        if self.planned.role != "score" or len(scores) < 2:
            scores = set()
        columns: Columns = {}
        for cell in self.planned.cells if steps or scores else ():
            rows = self.shard_rows(self.shards_of(cell)[0])
            own = (name for name in rows if name.startswith(starts) or name in scores)
            columns |= {name: rows[name][:0] for name in own}
        return columns

    def metrics(self) -> Iterator[MetricBase]:
        """Go through the metrics that hold in this pipeline."""
        yield from (ready.plugin for ready in self.toolbox.metrics())

    def columns_depend_on(self) -> list[Any]:
        """Return what the columns of image metrics rest on: themselves, and what counts as clean."""
        image_metrics = [metric for metric in self.metrics() if isinstance(metric, ImageMetric)]
        names = {f"metric/{metric.name}" for metric in image_metrics}
        resolved = self.plan.resolved["metrics"]
        return [
            sorted(
                (metric.fingerprint, sorted(self.files_of(metric).items()))
                for metric in image_metrics
            ),
            {name: entry for name, entry in resolved.items() if entry["plugin"] in names},
            settings_of(self.plan.data, self.data).images,
        ]

    def measured(self, rows: Rows, class_names: tuple[str, ...], cell: Cell) -> dict[str, Measure]:
        """Compute every metric whose columns are there, on the rows of a cell."""
        return measures_of_rows(self.metrics_of_rows(), rows, class_names)

    def metrics_of_rows(self) -> tuple[Ready, ...]:
        """Return the metrics that are computed on the rows."""
        return self.toolbox.metrics()

    def image_columns(self, current: ImageBatch) -> Columns:
        """Measure the images with the metrics that hold; the step's notes count what could not be."""
        return {
            column_of(ready.plugin): image_values(ready, current)
            for ready in self.toolbox.metrics()
            if isinstance(ready.plugin, ImageMetric)
        }

    def _image_metrics(self, rows: Rows) -> list[ImageMetric]:
        """Return the image metrics whose columns are there."""
        given = (r.plugin for r in self.metrics_of_rows() if isinstance(r.plugin, ImageMetric))
        return [metric for metric in given if column_of(metric) in rows]

    def _note_unmeasured(self, unmeasured: Counter[str], total: int) -> None:
        """Note how many rows lack the value of an image metric, if any."""
        image_metrics = [metric for metric in self.metrics() if isinstance(metric, ImageMetric)]
        comparing = [
            column_of(metric)
            for metric in image_metrics
            if metric.full_reference and column_of(metric) in unmeasured
        ]
        if comparing and (why := without_clean(self)):
            said = f"{', '.join(comparing)} cannot be measured: {why}"
            self.notes.append(f"{said}, so there is nothing to compare with")
            for column in comparing:
                del unmeasured[column]
        for metric in image_metrics:
            if count := unmeasured[column_of(metric)]:
                self.notes.append(
                    f"{column_of(metric)} is missing for {count} of {total} rows: the image "
                    f"{why_not(metric, self.source(next(iter(self.versions.values()))))}"
                )
