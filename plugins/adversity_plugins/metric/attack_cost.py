"""What an attack cost: gradients and queries for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["AttackCost"]


class AttackCost(Metric):
    """Gradients and queries per attacked image, and queries until a black-box attack had it.

    The first two are means over the images that were right at first. `queries_to_fool` is a
    median over the same images, an image that withstood counting as infinitely many, with the
    curve of robust accuracy against queries; where most withstood it is left out. Which query
    had an image is what the core saw, not what the attack says.
    """

    name = "attack_cost"
    always = True
    wants = ("start_correct", "fooled", "queries", "gradients")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "queries_per_image": MeasureInfo(low=0.0, attacked="fact", title="queries", group="cost"),
        "gradients_per_image": MeasureInfo(
            low=0.0, attacked="fact", title="gradients", group="cost"
        ),
        "queries_to_fool": MeasureInfo(
            low=0.0,
            attacked="at most",
            title="queries until fooled, median",
            better="higher",
            group="search",
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the costs; nothing where no image was attacked."""
        attacked = table["start_correct"]
        if not attacked.any():
            return {}
        own = groups_in(table, attacked)
        measures = {
            f"{name}_per_image": _mean(np.asarray(table[name], dtype=np.float64)[attacked], own)
            for name in ("queries", "gradients")
        }
        if table.has("solved_at"):
            columns = (attacked, table["fooled"], table["solved_at"])
            count = metrics.query_count(*columns, groups=groups_in(table))
            if count is not None:
                measures["queries_to_fool"] = count
        return measures


def _mean(values: np.ndarray[Any, Any], groups: np.ndarray[Any, Any] | None) -> Measure:
    within = (0.0, float("inf"))
    convention = {"over": "images that were right at first"}
    mean = metrics.mean_interval(values, within=within, convention=convention)
    return metrics.grouped(mean, values, groups, within=within)
