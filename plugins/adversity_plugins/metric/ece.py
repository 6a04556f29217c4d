"""Calibration of a table of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import by_row, groups_in, judgeable

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["ECE"]


class ECE(Metric):
    """Expected calibration error of the top class, and the signed confidence gap."""

    name = "ece"
    always = True
    reference = (
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "
        "On calibration of modern neural networks, 2017"
    )
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "ece": MeasureInfo(0.0, 1.0, title="ECE", better="lower", group="uncertainty", headline=4),
        "confidence_gap": MeasureInfo(-1.0, 1.0),
    }

    bins: int = Field(15, ge=1, description="How many bins.")
    edge: Literal["guo", "left"] = Field(
        "guo", description="Bins (low, high], or [low, high) with the last one closed."
    )
    spacing: Literal["width", "mass"] = Field(
        "width", description="Bins of equal width, or of equal numbers of images."
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `ece` and `confidence_gap` (above 0: too sure).

        The details of `ece` hold its `bins`, equal-mass bins for plots (`plot_bins`) and
        the `consistency` test: what a perfectly calibrated model would show, which is left out
        where samples come in groups.
        """
        if not judgeable(table):
            return {}
        confidence, correct = by_row(table, metrics.top_class)
        reliability, plot = (
            metrics.binned(confidence, correct, bins=self.bins, edge=self.edge, spacing=spacing)
            for spacing in (self.spacing, "mass")
        )
        error = metrics.calibration_error(reliability)
        gap = metrics.confidence_gap_of(confidence, correct)
        details: dict[str, Any]
        if (groups := groups_in(table)) is not None:
            rows = (confidence, correct, groups)
            error = metrics.grouped_calibration(error, reliability, *rows)
            details = {
                "bins": metrics.grouped_records(reliability, *rows),
                "plot_bins": metrics.grouped_records(plot, *rows),
            }
            gap = metrics.grouped(gap, confidence - correct, groups, within=(-1.0, 1.0))
        else:
            details = {
                **error.details,
                "plot_bins": plot.records(),
                "consistency": metrics.consistency_test(reliability),
            }
        return {"ece": replace(error, details=details), "confidence_gap": gap}
