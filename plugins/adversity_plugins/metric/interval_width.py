"""How wide stated intervals are: what their coverage is bought with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["IntervalWidth"]


class IntervalWidth(Metric):
    """Mean width of the central Gaussian interval that the variance states, beside its coverage.

    In the unit of the target; of a vector the mean over its numbers. Narrow intervals are better
    only where `interval_coverage` is what it should be.
    """

    name = "interval_width"
    reference = "Gneiting, Balabdaoui, Raftery, Probabilistic forecasts, 2007"
    wants = ("mean", "variance")
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "interval_width": MeasureInfo(low=0.0, title="width of intervals", group="regression")
    }

    level: float = Field(
        default=0.9, gt=0, lt=1, description="how many targets the interval should hold"
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `interval_width`."""
        if not len(table):
            return {}
        return {
            "interval_width": metrics.mean_interval(
                self.per_sample(table)["interval_width"],
                within=(0.0, np.inf),
                convention={"interval": "mean -+ z sd, Gaussian", "nominal": self.level},
            )
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the width of each row's interval."""
        if not len(table):
            return {}
        return {"interval_width": metrics.interval_widths(table["variance"], level=self.level)}
