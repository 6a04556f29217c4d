"""What the Brier score of a table is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Measure, MeasureInfo, Metric, metrics
from adversity.contracts.plot import Plot
from adversity_plugins.metric._predictions import by_row, form, judgeable

if TYPE_CHECKING:
    from adversity import Table

__all__ = ["BrierParts"]


class BrierParts(Metric):
    """Brier score = reliability - resolution + uncertainty: what is miscalibrated, what is told.

    Calibration can take away the reliability term alone; the uncertainty hangs on the labels. What
    probabilities tell within a bin counts as resolution, so that the terms add up exactly.
    """

    name = "brier_parts"
    reference = "A. H. Murphy, A new vector partition of the probability score, 1973"
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "brier_reliability": MeasureInfo(
            0.0, 2.0, title="Brier reliability", better="lower", group="uncertainty"
        ),
        "brier_resolution": MeasureInfo(
            -2.0, 2.0, title="Brier resolution", better="higher", group="uncertainty"
        ),
        "brier_uncertainty": MeasureInfo(0.0, 1.0, title="Brier uncertainty"),
    }

    bins: int = Field(15, ge=1, description="How many bins of equal width for each class.")

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `brier_reliability`, `brier_resolution` and `brier_uncertainty`.

        The details of the first hold the score and a plot of all four.
        """
        if not judgeable(table):
            return {}
        answer = form(table)
        seen = metrics.ClasswiseAccumulator(table[answer].shape[1], bins=self.bins)
        for part in table.parts():
            seen.update(labels=part["target"], **{answer: part[answer]})
        score = metrics.brier_of(by_row(table, metrics.squared_errors)).value
        parts = metrics.brier_parts_of(seen.value(), score)
        told = {
            "sum": "over classes",
            "bins": self.bins,
            "edge": "guo",
            "spacing": "width",
            "resolution": "with what is told within bins",
        }
        bars = {
            "reliability": parts.reliability,
            "resolution": parts.resolution,
            "uncertainty": parts.uncertainty,
            "Brier score": score,
        }
        plot = Plot("bars", list(bars), list(bars.values()), "part", "squared error")
        more = {"plot": plot.as_json(), "within_bins": parts.within_bins, "brier": score}
        n = len(table)
        return {
            "brier_reliability": Measure(
                parts.reliability, n, convention=told, better="lower", details=more
            ),
            "brier_resolution": Measure(parts.resolution, n, convention=told, better="higher"),
            "brier_uncertainty": Measure(parts.uncertainty, n, convention=told),
        }
