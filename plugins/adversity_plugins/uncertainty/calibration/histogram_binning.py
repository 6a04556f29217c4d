"""Calibration by bins: a probability becomes the share of held-out rows in its bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from adversity_plugins.uncertainty.calibration._binning_calibrator import BinningCalibrator

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["HistogramBinning"]


class HistogramBinning(BinningCalibrator):
    """Give each class the share that its bin had on held-out data, one class against the rest.

    A class's probability falls into a bin (low, high]; in its place comes the share of the held-out
    rows in this bin that were of the class, and what all classes get is divided by its sum. In a bin
    without held-out rows the probability stays. A share of 0 would say never of what was not seen
    among n rows: shares are kept within `floor` and 1 - `floor`. Answers can change. A class
    without a held-out row keeps its probability, and the others share the rest. With fewer than 100
    rows, or where the loss of these rows would rise, nothing is changed, and the note says so.

    Reference:
        B. Zadrozny, C. Elkan, Obtaining calibrated probability estimates from decision trees and
        naive Bayesian classifiers, 2001; C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On
        calibration of modern neural networks, 2017, section 4.1 and, for many classes, 4.2. We
        differ: `floor`, which 0 turns off.
    """

    name = "histogram_binning"
    reference = (
        "B. Zadrozny, C. Elkan, Obtaining calibrated probability estimates from decision trees and "
        "naive Bayesian classifiers, 2001; C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On "
        "calibration of modern neural networks, 2017, section 4"
    )

    bins: int = Field(15, ge=1, description="How many bins for each class.")
    spacing: Literal["width", "mass"] = Field(
        "width",
        description="Bins of one `width` in [0, 1], or with as much weight of rows in each (`mass`).",
    )
    floor: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="The smallest share a bin gives; 1 - floor is the largest. None is 1 / (n + 2) "
        "with n the weight of the held-out rows; 0 is none.",
    )

    def _learn_class(
        self, probs: Floats, true: Floats, weights: Floats
    ) -> tuple[dict[str, Floats], dict[str, float]]:
        import numpy as np

        from adversity_plugins.uncertainty.calibration._calibration_bins import (
            binned,
            equal_mass,
            equal_width,
        )

        wide = self.spacing == "width"
        edges = equal_width(self.bins) if wide else equal_mass(probs, weights, self.bins)
        total, hits = binned(probs, true, weights, edges)
        floor = 1 / (total.sum() + 2) if self.floor is None else self.floor
        held = total > 0
        shares = (hits / np.where(held, total, 1)).clip(floor, 1 - floor)
        arrays = {"edges": edges, "values": np.where(held, shares, -1.0)}
        return arrays, {"empty_bins": int((~held).sum())}
