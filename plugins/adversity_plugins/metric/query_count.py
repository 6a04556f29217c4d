"""What a black-box attack cost in queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Metric, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity import Measure, Table

__all__ = ["QueryCount"]


class QueryCount(Metric):
    """Median number of queries after which a black-box attack had an image, and the curve.

    Over the images that were right at first; one that withstood counts as infinitely many.
    Where most withstood there is no median, and the measure is left out. Which query solved an
    image is what the core saw, not what the attack says.
    """

    name = "query_count"
    always = True
    wants = ("start_correct", "fooled", "solved_at")
    produces: ClassVar[tuple[str, ...]] = ("query_count",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `query_count` where it is finite."""
        found = metrics.query_count(table["start_correct"], table["fooled"], table["solved_at"])
        return {} if found is None else {"query_count": found}
