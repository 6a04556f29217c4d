"""What an attack cost: gradients and queries for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in, known_rows

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["AttackCost"]


class AttackCost(Metric):
    """Gradients and queries per attacked image, and queries until a black-box attack had it.

    The first two are means over the images that were right at first; for an attack on the decision
    to accept an answer, over those that it could attack. `queries_to_fool` is a median over the
    images that were right at first, an image that withstood counting as infinitely many, with the
    curve of robust accuracy against queries; where most withstood it is left out. Which query
    had an image is what the core saw, not what the attack says.
    """

    name = "attack_cost"
    always = True
    wants = ("start_correct", "queries", "gradients")
    needs_labels = False
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
        decision = table.has("attackable")
        attacked = np.asarray(table["attackable" if decision else "start_correct"])
        if not attacked.any():
            return {}
        own = groups_in(table, attacked)
        over = "images that could be attacked" if decision else "images that were right at first"
        measures = {
            f"{name}_per_image": _mean(
                np.asarray(table[name], dtype=np.float64)[attacked], own, over
            )
            for name in ("queries", "gradients")
        }
        if table.has("fooled", "solved_at"):
            known = known_rows(table)
            columns = [attacked[known], *(table[name][known] for name in ("fooled", "solved_at"))]
            count = metrics.query_count(*columns, groups=groups_in(table, known))
            if count is not None:
                measures["queries_to_fool"] = count
        return measures


def _mean(values: np.ndarray[Any, Any], groups: np.ndarray[Any, Any] | None, over: str) -> Measure:
    within = (0.0, float("inf"))
    mean = metrics.mean_interval(values, within=within, convention={"over": over})
    return metrics.grouped(mean, values, groups, within=within)
