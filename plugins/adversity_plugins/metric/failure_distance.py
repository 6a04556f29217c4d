"""How far it is to the nearest failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Metric, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity import Measure, Table

__all__ = ["FailureDistance"]


class FailureDistance(Metric):
    """Median distance to the nearest failure that an attack found, and the whole curve.

    For attacks that look for the nearest failure. An image that was wrong from the start has
    distance 0, one without a failure is infinitely far; both count. Where most are infinitely
    far there is no median, and the measure is left out.
    """

    name = "failure_distance"
    always = True
    wants = ("failure_distance",)
    produces: ClassVar[tuple[str, ...]] = ("failure_distance",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `failure_distance` where it is finite."""
        if not len(table):
            return {}
        norm = "the attack's, [0, 1] scale"
        found = metrics.failure_distance(table["failure_distance"], norm=norm)
        return {} if found is None else {"failure_distance": found}
