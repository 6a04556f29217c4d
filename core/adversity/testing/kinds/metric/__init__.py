"""What a metric promises, by its shape: of one table or two, of images, of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import CellMetric, ImageMetric
from adversity.testing.kinds.metric.cell_metric import CellMetricBench
from adversity.testing.kinds.metric.image_metric import ImageMetricBench, NoReferenceBench
from adversity.testing.kinds.metric.table_metric import MetricBench
from adversity.testing.kinds.metric.two_tables import TwoTablesBench

if TYPE_CHECKING:
    from adversity.contracts import PluginBase
    from adversity.testing.bench.bench import Bench

__all__ = ["BENCHES", "CHECKS", "bench_for"]

BENCHES: tuple[type[Bench], ...] = (
    MetricBench,
    TwoTablesBench,
    CellMetricBench,
    ImageMetricBench,
    NoReferenceBench,
)
CHECKS = tuple(dict.fromkeys(check for bench in BENCHES for check in bench.checks))
"""Of all shapes, each once."""


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the metric's shape."""
    if issubclass(plugin, CellMetric):
        return CellMetricBench
    if issubclass(plugin, ImageMetric):
        return ImageMetricBench if plugin.full_reference else NoReferenceBench
    compares = getattr(plugin, "compares", "nothing")
    return MetricBench if compares == "nothing" else TwoTablesBench
