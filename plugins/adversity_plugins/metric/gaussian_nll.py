"""Likelihood of numbers under their stated variances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity import MeasureInfo, Metric, metrics

if TYPE_CHECKING:
    import numpy as np

    from adversity import Measure, Table

__all__ = ["GaussianNLL"]


class GaussianNLL(Metric):
    """Mean negative log-likelihood of the target under a Gaussian of the stated mean and variance.

    With its constant, in nats; of a vector the mean over its numbers. It depends on the unit of the
    target: compare it between models of one data set only.
    """

    name = "gaussian_nll"
    always = True
    reference = "Nix and Weigend, Estimating the mean and variance of the target, 1994"
    wants = ("target", "mean", "variance")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "gaussian_nll": MeasureInfo(
            title="Gaussian NLL", unit="nats", better="lower", group="regression", headline=3
        )
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `gaussian_nll`."""
        if not len(table):
            return {}
        convention = {"density": "Gaussian, with its constant; a mean over the numbers of a vector"}
        nats = self.per_sample(table)["gaussian_nll"]
        return {
            "gaussian_nll": metrics.mean_interval(
                nats, better="lower", unit="nats", convention=convention
            )
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the nats of each row."""
        if not len(table):
            return {}
        nats = metrics.gaussian_nats(table["mean"], table["variance"], table["target"])
        return {"gaussian_nll": nats}
