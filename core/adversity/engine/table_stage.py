"""What predictions, scores and attacks share: rows in shards, a table and its measures."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Degradation, ImageMetric, Measure, Metric, MetricBase, Table
from adversity.data.tables import read_table, write_table
from adversity.engine import calls
from adversity.engine.blocks import spans
from adversity.engine.calls import BREAKS
from adversity.engine.stage import Shard, StageResult, StageRun
from adversity.errors import AdversityError, PluginError
from adversity.metrics import mean_interval
from adversity.pipeline.plugins import class_of
from adversity.provenance import file_sha256
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from adversity.engine.flow import Flow
    from adversity.pipeline.model import Cell, StepNode

__all__ = ["TABLE", "Columns", "TableRun", "column_of", "join", "sort_by_id"]

TABLE = "table.parquet"
"""The file of an artifact that holds all rows."""
Columns = dict[str, np.ndarray[Any, Any]]


class TableRun(StageRun):
    """A stage that leaves one row for each sample and cell."""

    @property
    def node(self) -> StepNode:
        """The step."""
        return self.plan.steps[self.stage.step]

    @property
    @abstractmethod
    def data(self) -> str:
        """The data set whose samples are the rows."""

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

    @abstractmethod
    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return the classes that `target` and `prediction` index."""

    def split(self) -> list[Shard]:
        """Cut each cell into shards of one picture size."""
        self._keys: dict[Cell, str] = {}
        source = self.toolbox.source(self.data)
        size = self.plan.spec.run.shard_size
        shards: list[Shard] = []
        for cell in self.node.cells:
            groups = source.by_shape().values()
            cuts = [
                tuple(rows[i] for i in span) for rows in groups for span in spans(len(rows), size)
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

    def rows(self, cell: Cell) -> Columns:
        """Return all rows of a cell, sorted by id."""
        mine = [shard for shard in self.shards if shard.cell == cell]
        key = self.cell_key(cell)
        tables = [self.store.read(key, shard.name, read_table) for shard in mine]
        return sort_by_id(join(tables))

    def fill(self, out: Path) -> StageResult:
        """Join the cells to one table and measure each."""
        tables: list[Columns] = []
        measures: dict[str, Mapping[str, Measure]] = {}
        total = 0
        for cell in self.node.cells:
            rows = self.rows(cell)
            count = len(rows["id"])
            total += count
            measures[cell.key] = self.measured(rows, self.class_names(cell))
            values = {name: _repeat(value, count) for name, value in cell.values}
            tables.append({"cell": _repeat(cell.key, count), **values, **rows})
        table = join(tables)
        self._note_unmeasured(table)
        write_table(out / TABLE, table)
        return StageResult(self.stage.step, measures, tuple(self.notes), total)

    def metrics(self) -> Iterator[MetricBase]:
        """Go through the metrics that hold in this pipeline."""
        yield from (ready.plugin for ready in self.toolbox.metrics())

    def columns_depend_on(self) -> list[Any]:
        """Return what the columns of image metrics rest on: parameters, source and files."""
        found = [metric for metric in self.metrics() if isinstance(metric, ImageMetric)]
        names = {f"metric/{metric.name}" for metric in found}
        resolved = self.plan.resolved["metrics"]
        return [
            sorted((metric.fingerprint, sorted(self.files_of(metric).items())) for metric in found),
            {name: entry for name, entry in resolved.items() if entry["plugin"] in names},
        ]

    def measured(self, rows: Columns, class_names: tuple[str, ...]) -> dict[str, Measure]:
        """Compute every metric whose columns are there."""
        table = Table(rows, class_names)
        found: dict[str, Measure] = {}
        for metric in self.metrics():
            if isinstance(metric, Metric) and metric.takes(table):
                found.update(_computed(metric, table))
            elif isinstance(metric, ImageMetric) and table.has(column_of(metric)):
                found.update(_mean(metric, rows[column_of(metric)]))
        return found

    def label_hash(self, data: str) -> str | None:
        """Return the hash of a data set's `labels:` file."""
        file = self.plan.data[data].labels
        return None if file is None else file_sha256(self.plan.root / file)

    def image_columns(self, current: Flow) -> Columns:
        """Measure the images against the clean ones; NaN where that cannot be done.

        Images of another size than the clean ones, or smaller than a metric's smallest,
        are not measured; the step's notes count them.
        """
        columns: Columns = {}
        side = min(current.images.shape[2:])
        for ready in self.toolbox.metrics():
            metric = ready.plugin
            if not isinstance(metric, ImageMetric):
                continue
            values = np.full(len(current.ids), np.nan)
            if current.clean is not None and current.comparable and side >= metric.smallest:
                values = calls.measure(ready, current.images, current.clean, current.ids).numpy()
            columns[column_of(metric)] = values
        return columns

    def _without_clean(self) -> bool:
        """Say whether nothing on the path degrades the images, and the data have no references."""
        views = [self.plan.steps[step] for step in self.plan.path(self.stage.step)[1:]]
        worse = any(
            node.role == "attack" or issubclass(class_of(node.entry), Degradation) for node in views
        )
        return not worse and self.toolbox.source(self.data).references([0]) is None

    def _note_unmeasured(self, rows: Columns) -> None:
        unmeasured = [
            column_of(metric)
            for metric in self.metrics()
            if isinstance(metric, ImageMetric) and column_of(metric) in rows
        ]
        if unmeasured and self._without_clean():
            self.notes.append(
                f"{', '.join(unmeasured)} cannot be measured: {self.data} has no clean references, "
                "and nothing degrades its images on the way, so there is nothing to compare with"
            )
            return
        for metric in self.metrics():
            if isinstance(metric, ImageMetric) and column_of(metric) in rows:
                missing = int(np.isnan(rows[column_of(metric)]).sum())
                if missing:
                    self.notes.append(
                        f"{column_of(metric)} is missing for {missing} of {len(rows['id'])} rows: "
                        "the picture has another size than the clean one, or is smaller than "
                        f"{metric.smallest} pixels"
                    )


def _computed(metric: Metric, table: Table) -> Mapping[str, Measure]:
    try:
        return metric.compute(table)
    except AdversityError:
        raise
    except BREAKS as error:
        raise PluginError(
            f'metric "{metric.name}" raised {type(error).__name__}: {error}; report it to the '
            "plugin's author"
        ) from error


def _mean(metric: ImageMetric, values: np.ndarray[Any, Any]) -> dict[str, Measure]:
    """Average an image metric over the images where it is finite; the rest is counted."""
    values = values[~np.isnan(values)]
    if not np.isfinite(values).any():
        return {}
    facts: Mapping[str, Any] = metric.describe()
    mean = mean_interval(
        values,
        infinite="leave_out",
        better=facts.get("better"),
        unit=str(facts.get("unit", "")),
        convention=facts.get("convention"),
    )
    return {column_of(metric): mean}


def column_of(metric: ImageMetric) -> str:
    """Return the column an image metric fills."""
    return next(iter(metric.produces), metric.name)


def _repeat(value: str, count: int) -> np.ndarray[Any, Any]:
    return np.array([value] * count, dtype=object)


def join(tables: Sequence[Columns]) -> Columns:
    """Put tables under each other; a column that one lacks is left out of none: all agree."""
    names = tables[0].keys()
    for table in tables[1:]:
        if table.keys() != names:
            odd = sorted(set(table) ^ set(names))
            raise PluginError(f"expected the same columns in every shard, got {odd} in some only")
    return {name: np.concatenate([table[name] for table in tables]) for name in names}


def sort_by_id(rows: Columns) -> Columns:
    """Sort rows by id, so that no order of shards or samples shows."""
    order = np.argsort(rows["id"].astype(str), kind="stable")
    return {name: values[order] for name, values in rows.items()}
