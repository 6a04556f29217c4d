"""A measure that Adversity does not have, with all that it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, Plot, hookimpl, metrics

if TYPE_CHECKING:
    from adversity import Measure, Table

EDGES = np.linspace(0, 1, 11)


class SureAndRight(Metric):
    """Share of the images that are answered rightly, and with more than one half."""

    name: ClassVar[str] = "sure_and_right"
    always: ClassVar[bool] = True
    wants: ClassVar[tuple[str, ...]] = ("target", "correct", "confidence")
    unless: ClassVar[tuple[str, ...]] = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "sure_and_right": MeasureInfo(
            0,
            1,
            title="sure and right",
            better="higher",
            scale="percent",
            group="accuracy",
            headline=1,
        )
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the share, with the confidences behind it."""
        if not len(table):
            return {}
        hits = self.per_sample(table)["sure_and_right"]
        counts = np.histogram(np.asarray(table["confidence"], dtype=np.float64), EDGES)[0]
        plot = Plot("histogram", EDGES.tolist(), counts.tolist(), "confidence", "images")
        return {
            "sure_and_right": metrics.share(
                int(hits.sum()), len(hits), details={"plot": plot.as_json()}
            )
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which images are."""
        return {"sure_and_right": table["correct"] & (table["confidence"] > 0.5)}


@hookimpl
def adversity_metrics() -> list[type[Metric]]:
    """Return the metric."""
    return [SureAndRight]
