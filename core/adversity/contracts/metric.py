"""The promise of a metric: numbers from stored tables, or a column while images stream."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts.plugin import Makes, PluginBase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from adversity.contracts.values import Measure, Table

__all__ = ["ImageMetric", "Metric", "MetricBase"]


class MetricBase(PluginBase):
    """What both shapes of metric share. Inherit from `Metric` or `ImageMetric`.

    `always` metrics are computed wherever their inputs are; others when a pipeline names
    them under `metrics:`.
    """

    kind: ClassVar[str] = "metric"
    makes: ClassVar[Makes] = "measure"
    always: ClassVar[bool] = False
    produces: ClassVar[tuple[str, ...]] = ()
    """The measures it can return; an `ImageMetric` stores its column under the first."""


class Metric(MetricBase):
    """Numbers from a per-sample table. `wants` names the columns without which it is silent."""

    wants: ClassVar[tuple[str, ...]] = ("target",)

    @abstractmethod
    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return named measures.

        Args:
            table: One cell of a step.
            reference: The table it is compared with, joined by id, where there is one.
        """


class ImageMetric(MetricBase):
    """A number for each image against its clean reference, stored as the column `produces[0]`."""

    smallest: ClassVar[int] = 1
    """The smallest height and width it can measure, in pixels."""

    @abstractmethod
    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64; both images `[N, C, H, W]` float32 in [0, 1], one shape."""

    @abstractmethod
    def describe(self) -> Mapping[str, object]:
        """Return the convention (channels, range, window, crop), unit and direction.

        Keys `unit`, `better` and `convention`.
        """
