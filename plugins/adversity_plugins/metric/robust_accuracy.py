"""What an attack left standing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["RobustAccuracy"]

_SIZES = (0.0, float("inf"))


class RobustAccuracy(Metric):
    """Share of images that are right and stay right under attack, and the attack's success.

    An image that was wrong from the start counts as not robust and is no success of the
    attack. The mean size of the perturbation is taken over the fooled images.
    """

    name = "robust_accuracy"
    always = True
    wants = ("start_correct", "fooled")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "robust_accuracy": MeasureInfo(
            0.0,
            1.0,
            attacked="at most",
            better="higher",
            scale="share",
            group="attack",
            headline=1,
            unattacked="accuracy",
        ),
        "attack_success": MeasureInfo(
            0.0,
            1.0,
            attacked="at least",
            scale="share",
            group="attack",
            headline=2,
        ),
        "perturbation": MeasureInfo(low=0.0, attacked="fact"),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `robust_accuracy`, and where they mean something the other two.

        `attack_success` needs an image that was right at first, `perturbation` a fooled
        one and the column `distance`.
        """
        if not len(table):
            return {}
        start, fooled = table["start_correct"], table["fooled"]
        measures = {"robust_accuracy": metrics.robust_accuracy(start, fooled)}
        if start.any():
            success = metrics.attack_success(start, fooled)
            own = groups_in(table, start)
            measures["attack_success"] = metrics.grouped(success, fooled[start], own)
        fallen = start & fooled
        if table.has("distance") and fallen.any():
            sizes = np.asarray(table["distance"], dtype=np.float64)[fallen]
            mean = metrics.mean_interval(
                sizes,
                within=_SIZES,
                convention={"over": "fooled images", "norm": "the attack's, [0, 1] scale"},
            )
            own = groups_in(table, fallen)
            measures["perturbation"] = metrics.grouped(mean, sizes, own, within=_SIZES)
        return measures

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return which rows were right and stayed so."""
        return {"robust_accuracy": np.asarray(table["start_correct"] & ~table["fooled"])}
