"""Whether stated variances are as wide as the errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    import numpy as np

    from adversity import Measure, Table

__all__ = ["IntervalCoverage"]


class IntervalCoverage(Metric):
    """Share of targets within the central Gaussian interval that mean and variance state.

    At a level of 0.9 it should be 0.9: less is over-confident, more is too cautious. Of a vector the
    interval is that of each number, and the share one over all numbers.
    """

    name = "interval_coverage"
    always = True
    reference = "Gneiting, Balabdaoui, Raftery, Probabilistic forecasts, 2007"
    wants = ("target", "mean", "variance")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "interval_coverage": MeasureInfo(
            0.0, 1.0, title="coverage of intervals", scale="share", group="regression", headline=5
        )
    }

    level: float = Field(
        default=0.9, gt=0, lt=1, description="how many targets the interval should hold"
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `interval_coverage`; its interval is Wilson's where a target is one number."""
        if not len(table):
            return {}
        held = self.per_sample(table)["interval_coverage"]
        convention = {"interval": "mean -+ z sd, Gaussian", "nominal": self.level}
        if held.dtype == bool:
            measure = metrics.share(int(held.sum()), len(held), convention=convention)
        else:
            measure = metrics.mean_interval(held, within=(0.0, 1.0), convention=convention)
        return {"interval_coverage": measure}

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which rows lie inside; of a vector which share of its numbers."""
        if not len(table):
            return {}
        held = metrics.covered(table["mean"], table["variance"], table["target"], level=self.level)
        return {"interval_coverage": held[:, 0] if held.shape[1] == 1 else held.mean(1)}
