"""The final calls of metrics: of tables, of images, and of the cells of a step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import CellMetric, ImageMetric, Measure, MeasureInfo, Metric
from adversity.engine.calls.blocks import padded, spans
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.engine.calls.judged_rows import judged_tables
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.metrics import mean_interval
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import MeasuredCell, Table
    from adversity.engine.calls.ready import Ready

__all__ = ["CellMetricCall", "ImageMetricCall", "MetricCall", "column_of", "metric_call"]


class MetricCall(FinalCall):
    """`measures = metric(table)`; none of a table that it does not take.

    One that compares takes a reference besides: `metric(table, reference)`. One that needs labels
    gets the rows whose class the classifier knows, and nothing where there is none.
    """

    def __call__(self, table: Table, reference: Table | None = None) -> dict[str, Measure]:
        """Return named measures.

        Raises:
            InputError: If there is a reference and it compares nothing, or the other way round, or
                it compares the same samples and got others.
            PluginError: If the answer is no mapping of names to measures with finite values.
        """
        metric: Metric = self.ready.plugin
        self._require_reference(metric, table, reference)
        if not all(map(metric.takes, (table,) if reference is None else (table, reference))):
            return {}
        given = judged_tables(metric, table, reference)
        whole = (table,) if reference is None else (table, reference)
        if any(len(each) and not len(left) for each, left in zip(whole, given, strict=True)):
            return {}
        try:
            answer = metric.compute(*given)
        except BREAKS as error:
            self.ready.guard(error)
        return _checked(self.ready, answer)

    def _require_reference(self, metric: Metric, table: Table, reference: Table | None) -> None:
        if reference is None:
            if metric.compares != "nothing":
                raise InputError(f"{self.ready.label} compares two tables; give it a second one")
        elif metric.compares == "nothing":
            raise InputError(f"{self.ready.label} measures one table and compares it with no other")
        elif metric.compares == "samples" and not np.array_equal(table["id"], reference["id"]):
            raise InputError(
                f"{self.ready.label} compares the same samples: expected two tables with the same "
                "ids in the same order"
            )

    def measures(self, table: Table, reference: Table | None = None) -> dict[str, Measure]:
        """Return what it measures of a step's table, and of another one if it compares them."""
        return self(table, reference)


class ImageMetricCall(FinalCall):
    """`values = metric(images, reference)`, `[N]` float64; infinity is one: identical images.

    A no-reference metric takes the images alone: `metric(images)`.
    """

    def __call__(
        self, images: Tensor, reference: Tensor | None = None, ids: Sequence[str] | None = None
    ) -> Tensor:
        """Return a number for each image; differentiable in images that require a gradient.

        Raises:
            InputError: If they do, and it has none; or if the reference is missing, or too much.
            PluginError: If the answer breaks the contract.
        """
        full = self.ready.plugin.full_reference
        if full != (reference is not None):
            given = "the clean images as well" if full else "images alone: it needs no reference"
            raise InputError(f"{self.ready.label}: expected {given}")
        self.require_channels(images)
        pair = (images,) if reference is None else (images, reference)
        if images.requires_grad:
            return self._traced(*pair)
        names = ids or positions(len(images))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer = self._measure(names, index, pair)
            fault = rows_fault(answer, rows=len(index), finite=False)
            if fault is None and bool(answer.isnan().any()):
                fault = "expected a number, got NaN"
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer]

        return self.blocks(images, names, run)[0].double()

    def _measure(self, names: Sequence[str], index: list[int], pair: tuple[Tensor, ...]) -> Tensor:
        """Ask for the values of rows; what is refused of a block is said of its first such sample.

        Raises:
            InputError: With the plugin and the sample.
        """
        here = named(names, index)
        try:
            answer: Tensor = self.ask("measure", here, *(given[index] for given in pair))
        except InputError as error:
            if len(here) == 1:
                raise type(error)(f"{self.ready.label}, sample {here[0]}: {error}") from error
            for row in dict.fromkeys(index):
                self._measure(names, [row], pair)
            raise
        return answer

    def _traced(self, images: Tensor, reference: Tensor | None = None) -> Tensor:
        import torch

        plugin, parts = self.ready.plugin, []
        if not plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a metric "
                "that is differentiable"
            )
        for span in spans(len(images), plugin.block_rows):
            cut = slice(span.start, span.stop)
            more = {}
            if reference is not None:
                there = padded(reference[cut], plugin.block_rows).to(self.ready.device)
                more["reference"] = there
            run = self.unchecked("measure", **more)
            parts.append(run(padded(images[cut], plugin.block_rows))[: len(span)])
        return torch.cat(parts).double()

    def measures(self, table: Table) -> dict[str, Measure]:
        """Return its mean over the images of a step's table where it is finite."""
        metric: ImageMetric = self.ready.plugin
        column = column_of(metric)
        if not table.has(column):
            return {}
        values = table.columns[column]
        values = values[~np.isnan(values)]
        if not np.isfinite(values).any():
            return {}
        info = metric.declared().get(column, MeasureInfo())
        mean = mean_interval(
            values,
            within=(info.low, info.high),
            infinite="leave_out",
            convention=self._convention(),
        )
        return {column: mean}

    def _convention(self) -> dict[str, object]:
        """Return what the metric says of its number.

        Raises:
            PluginError: If it fails, or says it in no mapping.
        """
        try:
            return dict(self.ready.plugin.convention())
        except BREAKS as error:
            self.ready.guard(error)


class CellMetricCall(FinalCall):
    """`measures = metric(cells)`."""

    def __call__(self, cells: Sequence[MeasuredCell]) -> dict[str, Measure]:
        """Return named measures.

        Raises:
            InputError: If the cells have not what it is computed from.
            PluginError: If the answer is no mapping of names to measures with finite values.
        """
        try:
            answer = self.ready.plugin.fold(tuple(cells))
        except BREAKS as error:
            self.ready.guard(error)
        return _checked(self.ready, answer)

    def gives(self, known: Mapping[str, MeasureInfo]) -> dict[str, MeasureInfo]:
        """Return what it says of its measures, of what is known of those that it folds.

        Raises:
            PluginError: If it fails, or says it in no mapping.
        """
        try:
            return dict(self.ready.plugin.gives(known))
        except BREAKS as error:
            self.ready.guard(error)


def metric_call(ready: Ready) -> MetricCall | ImageMetricCall | CellMetricCall:
    """Return the final call of a metric, by what it is.

    Raises:
        InputError: If it is a metric neither of tables, nor of images, nor of cells.
    """
    if isinstance(ready.plugin, CellMetric):
        return CellMetricCall(ready)
    if isinstance(ready.plugin, Metric):
        return MetricCall(ready)
    if isinstance(ready.plugin, ImageMetric):
        return ImageMetricCall(ready)
    raise InputError(
        f"{ready.label}: expected a Metric, an ImageMetric or a CellMetric, got none of them"
    )


def column_of(metric: ImageMetric) -> str:
    """Return the column an image metric fills."""
    return next(iter(metric.produces), metric.name)


def _checked(ready: Ready, answer: object) -> dict[str, Measure]:
    """Return what a metric answered, which is a mapping of names to measures.

    Raises:
        PluginError: If it is none.
    """
    fault = _fault(answer)
    if fault is not None or not isinstance(answer, Mapping):
        ready.broke(str(fault))
    return dict(answer)


def _fault(answer: object) -> str | None:
    """Say what is wrong with the answer of a metric, or None."""
    if not isinstance(answer, Mapping):
        return f"expected a mapping of names to measures, got {type(answer).__name__}"
    for name, measure in answer.items():
        if not isinstance(name, str) or not isinstance(measure, Measure):
            return f"expected a name and a Measure, got {name!r} and {type(measure).__name__}"
        if not math.isfinite(measure.value):
            return f"expected a finite {name}, got {measure.value}; leave it out where it has none"
    return None
