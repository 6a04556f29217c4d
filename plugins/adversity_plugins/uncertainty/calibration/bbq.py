"""Calibration by many binnings, each weighted by how well it explains held-out data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from adversity_plugins.uncertainty.calibration._binning_calibrator import BinningCalibrator

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BBQ"]

_NEGLIGIBLE = 1e-12
"""Binnings with a smaller share of the largest weight are left out: they move no seventh digit."""


class BBQ(BinningCalibrator):
    """Average over binnings into quantiles, weighted by their evidence, one class against the rest.

    Bayesian binning into quantiles. The binnings have from n^(1/3) / `spread` to n^(1/3) * `spread`
    bins of equal mass, n the held-out rows. In each bin the share is Beta distributed beforehand,
    with the middle of the bin as its mean, and a binning weighs what the held-out rows are worth
    under it. What a class gets is the mean of the posterior means of all binnings, so never 0 or 1;
    what all classes get is divided by its sum. Answers can change. A class without a held-out row
    keeps its probability, and the others share the rest. With fewer than 100 rows, or where the loss
    of these rows would rise, nothing is changed, and the note says so.

    Reference:
        M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities using
        Bayesian binning, 2015, equations 1 to 4. We differ: a bin gives its posterior mean, not the
        share of its rows; edges are halfway between probabilities, and equal ones stay together.
    """

    name = "bbq"
    reference = (
        "M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities using "
        "Bayesian binning, 2015"
    )

    spread: float = Field(
        10.0, ge=1, description="How far numbers of bins go from n^(1/3), both ways, as a factor."
    )
    strength: float = Field(
        2.0, gt=0, description="How many rows the prior counts for, in all bins of a binning."
    )

    def _learn_class(
        self, probs: Floats, true: Floats, weights: Floats
    ) -> tuple[dict[str, Floats], dict[str, float]]:
        import numpy as np
        from scipy.special import softmax

        from adversity_plugins.uncertainty.calibration._calibration_bins import (
            binned,
            equal_mass,
            evidence,
        )

        root = float(weights.sum()) ** (1 / 3)
        low, high = max(1, int(root / self.spread)), max(1, int(root * self.spread))
        scores, models = [], []
        for bins in range(low, high + 1):
            edges = equal_mass(probs, weights, bins)
            score, means = evidence(*binned(probs, true, weights, edges), edges, self.strength)
            scores.append(score)
            models.append((edges, means))
        shares = softmax(scores)
        kept = np.flatnonzero(shares > _NEGLIGIBLE * shares.max())
        shares = shares[kept] / shares[kept].sum()
        edges = np.unique(np.concatenate([models[i][0] for i in kept]))
        ends = np.append(edges, np.inf)  # a bin is (low, high]: its upper end is in it
        values = np.zeros(len(ends))
        for share, i in zip(shares, kept, strict=True):
            values += share * models[i][1][np.searchsorted(models[i][0], ends)]
        return {"edges": edges, "values": values}, {"binnings": len(kept)}
