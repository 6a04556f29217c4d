"""The final calls of metrics: of tables, and of images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import ImageMetric, Measure, Metric
from adversity.engine.calls.blocks import padded, spans
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.metrics import mean_interval
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import Table
    from adversity.engine.calls.ready import Ready

__all__ = ["ImageMetricCall", "MetricCall", "column_of", "metric_call"]


class MetricCall(FinalCall):
    """`measures = metric(table)`; none of a table that it does not take."""

    def __call__(self, table: Table) -> dict[str, Measure]:
        """Return named measures.

        Raises:
            PluginError: If the answer is no mapping of names to measures with finite values.
        """
        if not self.ready.plugin.takes(table):
            return {}
        try:
            answer = self.ready.plugin.compute(table)
        except BREAKS as error:
            self.ready.guard(error)
        fault = _fault(answer)
        if fault is not None:
            self.ready.broke(fault)
        return dict(answer)

    def measures(self, table: Table) -> dict[str, Measure]:
        """Return what it measures of a step's table."""
        return self(table)


class ImageMetricCall(FinalCall):
    """`values = metric(images, reference)`, `[N]` float64; infinity is one: identical images."""

    def __call__(
        self, images: Tensor, reference: Tensor, ids: Sequence[str] | None = None
    ) -> Tensor:
        """Return a number for each image; differentiable in images that require a gradient.

        Raises:
            InputError: If they do, and it has none.
            PluginError: If the answer breaks the contract.
        """
        if images.requires_grad:
            return self._traced(images, reference)
        names = ids or positions(len(images))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Tensor = self.ask("measure", here, images[index], reference[index])
            fault = rows_fault(answer, rows=len(index), finite=False)
            if fault is None and bool(answer.isnan().any()):
                fault = "expected a number, got NaN"
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer]

        return self.blocks(images, names, run)[0].double()

    def _traced(self, images: Tensor, reference: Tensor) -> Tensor:
        import torch

        plugin, parts = self.ready.plugin, []
        if not plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a metric "
                "that is differentiable"
            )
        for span in spans(len(images), plugin.block_rows):
            cut = slice(span.start, span.stop)
            there = padded(reference[cut], plugin.block_rows).to(self.ready.device)
            run = self.unchecked("measure", reference=there)
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
        mean = mean_interval(values, infinite="leave_out", convention=metric.convention())
        return {column: mean}


def metric_call(ready: Ready) -> MetricCall | ImageMetricCall:
    """Return the final call of a metric, by what it is.

    Raises:
        InputError: If it is a metric neither of tables nor of images.
    """
    if isinstance(ready.plugin, Metric):
        return MetricCall(ready)
    if isinstance(ready.plugin, ImageMetric):
        return ImageMetricCall(ready)
    raise InputError(f"{ready.label}: expected a Metric or an ImageMetric, got neither")


def column_of(metric: ImageMetric) -> str:
    """Return the column an image metric fills."""
    return next(iter(metric.produces), metric.name)


def _fault(answer: object) -> str | None:
    """Say what is wrong with what `compute` returned, or None."""
    if not isinstance(answer, Mapping):
        return f"expected a mapping of names to measures, got {type(answer).__name__}"
    for name, measure in answer.items():
        if not isinstance(name, str) or not isinstance(measure, Measure):
            return f"expected a name and a Measure, got {name!r} and {type(measure).__name__}"
        if not math.isfinite(measure.value):
            return f"expected a finite {name}, got {measure.value}; leave it out where it has none"
    return None
