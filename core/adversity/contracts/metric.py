"""The promise of a metric: numbers from stored tables, or a column while images stream."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.contracts.kind import Kind
from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import Measure, Table

__all__ = ["ImageMetric", "Metric", "MetricBase"]


class MetricBase(PluginBase):
    '''What both shapes of metric share. Inherit from `Metric` or `ImageMetric`.

    `always` metrics are computed wherever their inputs are; others when a pipeline names
    them under `metrics:`.

    Example::

        from typing import ClassVar
        from adversity import Measure, MeasureInfo, Metric, hookimpl

        class MeanConfidence(Metric):
            """The mean of the largest probability."""
            name: ClassVar[str] = "mean_confidence"
            wants: ClassVar[tuple[str, ...]] = ("confidence",)
            produces = {"mean_confidence": MeasureInfo(0.0, 1.0, group="uncertainty")}

            def compute(self, table, reference=None):
                values = table["confidence"]
                return {"mean_confidence": Measure(float(values.mean()), len(values))}

        @hookimpl
        def adversity_metrics():
            return [MeanConfidence]
    '''

    describes: ClassVar[Kind] = Kind(
        name="metric",
        hook="adversity_metrics",
        noun="a metric",
        role="measure",
        makes="measure",
        leaves="a measure",
        order=70,
        call="adversity.engine.calls.metric_call:metric_call",
        kit="adversity.testing.kinds.metric",
    )
    always: ClassVar[bool] = False
    produces: ClassVar[Mapping[str, MeasureInfo] | tuple[str, ...]] = ()
    """The measures it can return, each with its range; or their names alone, and then no limit of
    a gate is out of range. An `ImageMetric` stores its column under the first."""

    @classmethod
    def declared(cls) -> dict[str, MeasureInfo]:
        """Return what `produces` says of each measure."""
        named = cls.produces
        if isinstance(named, Mapping):
            return dict(named)
        return {name: MeasureInfo() for name in named}


class Metric(MetricBase):
    """Numbers from a per-sample table, where it has the columns `wants` and none of `unless`."""

    wants: ClassVar[tuple[str, ...]] = ("target",)
    """The columns without which it is not called."""
    unless: ClassVar[tuple[str, ...]] = ()
    """Columns with which it is not called: `start_correct`, if it measures no attack."""

    @classmethod
    def takes(cls, table: Table) -> bool:
        """Say whether a table has the columns it needs, and none of the others."""
        return table.has(*cls.wants) and not any(table.has(name) for name in cls.unless)

    @abstractmethod
    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return named measures.

        Args:
            table: One cell of a step.
            reference: The table it is compared with, joined by id, where there is one.
        """

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the values that measures are the mean of, by the measure's name.

        So two runs are compared pair by pair, for `not_worse_than last`. Override it for measures
        that shall be compared so; one that is no mean (a median, an ECE) cannot be. It is called
        without `setup`. An `ImageMetric` is paired by its column.

        Args:
            table: As `compute` gets it.

        Returns:
            `[N]` booleans, or floats with NaN for a sample that does not count.
        """
        return {}


class ImageMetric(MetricBase):
    """A number for each image against its clean reference, stored as the column `produces[0]`."""

    smallest: ClassVar[int] = 1
    """The smallest height and width it can measure, in pixels."""

    @abstractmethod
    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64; both images `[N, C, H, W]` float32 in [0, 1], one shape."""

    @abstractmethod
    def convention(self) -> Mapping[str, object]:
        """Return channels, range, window, crop and the like, as JSON values."""
