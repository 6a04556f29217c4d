"""The score of stated Gaussians in the unit of the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["CRPS"]


class CRPS(Metric):
    """Continuous ranked probability score of the Gaussian that mean and variance state.

    In the unit of the target, proper, and the absolute error where nothing is left open. Of a vector
    the mean over its numbers.
    """

    name = "crps"
    reference = (
        "Gneiting, Raftery, Westveld, Goldman, Calibrated probabilistic forecasting using ensemble "
        "model output statistics and minimum CRPS estimation, 2005"
    )
    wants = ("target", "mean", "variance")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "crps": MeasureInfo(low=0.0, title="CRPS", better="lower", group="regression")
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `crps`."""
        if not len(table):
            return {}
        return {
            "crps": metrics.mean_interval(
                self.per_sample(table)["crps"],
                within=(0.0, np.inf),
                better="lower",
                convention={"density": "Gaussian; a mean over the numbers of a vector"},
            )
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the score of each row."""
        if not len(table):
            return {}
        return {"crps": metrics.crps_values(table["mean"], table["variance"], table["target"])}
