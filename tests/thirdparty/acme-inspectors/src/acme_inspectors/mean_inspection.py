"""The mean of what an inspector says."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import MeasureInfo, Metric
from adversity.metrics import mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity import Measure, Table


class MeanInspection(Metric):
    """The mean of an inspector's numbers, with a 95 % interval."""

    name: ClassVar[str] = "mean_inspection"
    licence: ClassVar[str] = "MIT"
    always: ClassVar[bool] = True
    wants: ClassVar[tuple[str, ...]] = ("inspection",)
    produces: ClassVar[dict[str, MeasureInfo]] = {
        "mean_inspection": MeasureInfo(0.0, 1.0, group="inspections", headline=1)
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Average the column `inspection`."""
        return {"mean_inspection": mean_interval(table["inspection"])}
