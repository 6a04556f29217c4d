"""Brier score of a table of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import by_row, judgeable

if TYPE_CHECKING:
    import numpy as np

    from adversity import Measure, Table

__all__ = ["Brier"]


class Brier(Metric):
    """Brier score: squared error of the probabilities, summed over classes, 0 to 2."""

    name = "brier"
    always = True
    reference = "G. W. Brier, Verification of forecasts expressed in terms of probability, 1950"
    unless = ("start_correct",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "brier": MeasureInfo(
            0.0, 2.0, title="Brier score", better="lower", group="uncertainty", headline=6
        )
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `brier`."""
        if not judgeable(table):
            return {}
        return {"brier": metrics.brier_of(by_row(table, metrics.squared_errors))}

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the squared error of each row, summed over the classes."""
        return {"brier": by_row(table, metrics.squared_errors)} if judgeable(table) else {}
