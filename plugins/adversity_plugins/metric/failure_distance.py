"""How far it is to the nearest failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["FailureDistance"]


class FailureDistance(Metric):
    """Median distance to the nearest failure that an attack found, and the whole curve.

    For attacks that look for the nearest failure. An image that was wrong from the start has
    distance 0, one without a failure is infinitely far; both count. Where most are infinitely
    far there is no median, and `failure_distance` is left out; `failures_found`, the share of
    images with a failure at any distance, is always there, with the curve.
    """

    name = "failure_distance"
    always = True
    wants = ("failure_distance",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "failure_distance": MeasureInfo(
            low=0.0,
            attacked="at most",
            title="distance to the nearest failure, median",
            better="higher",
            group="search",
            headline=3,
        ),
        "failures_found": MeasureInfo(
            0.0,
            1.0,
            attacked="at least",
            title="share with a failure at any distance",
            better="lower",
            scale="share",
            group="search",
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `failures_found`, and `failure_distance` where it is finite."""
        if not len(table):
            return {}
        norm = "the attack's, [0, 1] scale"
        distances, groups = np.asarray(table["failure_distance"]), groups_in(table)
        distance = metrics.failure_distance(distances, norm=norm, groups=groups)
        share = metrics.failures_found(distances, norm=norm)
        share = metrics.grouped(share, np.isfinite(distances), groups)
        median = {} if distance is None else {"failure_distance": distance}
        return {**median, "failures_found": share}
