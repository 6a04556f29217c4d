"""How often prediction sets hold the true class, and how many classes they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import known_rows

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["PredictionSets"]


class PredictionSets(Metric):
    """Share of images whose prediction set holds the true class, and the mean size of the sets.

    Neither is better by itself: sets of all classes hold every true one, empty sets are small.
    A sample without a class of the classifier has a size, and counts in no coverage.
    The intervals are of the images, with the threshold as it was fitted.
    """

    name = "prediction_sets"
    always = True
    reference = (
        "V. Vovk, A. Gammerman, G. Shafer, Algorithmic learning in a random world, 2005 (validity "
        "and efficiency)"
    )
    wants = ("set_size",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "set_coverage": MeasureInfo(0.0, 1.0, scale="share", group="uncertainty", headline=1),
        "set_size": MeasureInfo(low=0.0, group="uncertainty", headline=1),
        "empty_set_share": MeasureInfo(0.0, 1.0, title="empty sets", scale="share"),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `set_size`, `empty_set_share`, and `set_coverage` where there are labels."""
        sizes = np.asarray(table["set_size"], dtype=np.float64)
        measures = {
            "set_size": metrics.mean_interval(
                sizes,
                within=(0.0, float("inf")),
                convention={"counts": "classes in a set, 0 where it is empty"},
            ),
            "empty_set_share": metrics.share(int((sizes == 0).sum()), len(sizes)),
        }
        if table.has("in_set") and (known := known_rows(table)).any():
            held = table["in_set"][known]
            measures["set_coverage"] = metrics.share(int(held.sum()), len(held))
        return measures

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return sizes, and whether each set is empty or holds the true class."""
        sizes = np.asarray(table["set_size"], dtype=np.float64)
        values = {"set_size": sizes, "empty_set_share": sizes == 0}
        if table.has("in_set") and (known := known_rows(table)).any():
            held = table["in_set"]
            values["set_coverage"] = held if known.all() else np.where(known, held, np.nan)
        return values
