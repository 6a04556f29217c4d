"""Whether targets fall below stated quantiles as often as these say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["QuantileCalibration"]


class QuantileCalibration(Metric):
    """Mean gap between stated quantiles and the shares of targets below them, with the curve.

    Of the Gaussian that mean and variance state. A curve above the diagonal at the low quantiles
    and below it at the high ones is over-confident. Of vectors all numbers count alike.
    """

    name = "quantile_calibration"
    reference = (
        "Kuleshov, Fenner, Ermon, Accurate uncertainties for deep learning using calibrated "
        "regression, 2018"
    )
    wants = ("target", "mean", "variance")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "quantile_calibration_error": MeasureInfo(
            0.0, 1.0, title="quantile calibration error", better="lower", group="regression"
        )
    }

    levels: int = Field(
        default=19, ge=1, le=999, description="how many quantiles, evenly between 0 and 1"
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `quantile_calibration_error`, whose details hold `shares` and the plot."""
        if not len(table):
            return {}
        ranks = metrics.quantile_ranks(table["mean"], table["variance"], table["target"])
        found = metrics.quantile_calibration(ranks, levels=self.levels)
        return {"quantile_calibration_error": found}
