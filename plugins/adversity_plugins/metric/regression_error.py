"""Errors of a table of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity import Measure, MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Table

__all__ = ["RegressionError"]


class RegressionError(Metric):
    """How far estimated numbers are from the targets: RMSE, mean absolute error and R squared.

    Of vectors each is a mean over their numbers, the RMSE the root of such a mean of squares; what
    each number has by itself stands in the details. There is no R squared where targets do not vary.
    """

    name = "regression_error"
    always = True
    reference = "Gauss, Theoria motus corporum coelestium, 1809"
    wants = ("target", "mean")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "rmse": MeasureInfo(low=0.0, title="RMSE", better="lower", group="regression", headline=1),
        "mae": MeasureInfo(
            low=0.0, title="mean absolute error", better="lower", group="regression", headline=4
        ),
        "r_squared": MeasureInfo(
            high=1.0, title="R squared", better="higher", group="regression", headline=2
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `rmse`, `mae` and, where targets vary, `r_squared`."""
        if not len(table):
            return {}
        mean, target = table["mean"], table["target"]
        convention = {"target": ", ".join(table.class_names)}
        found = {
            "rmse": metrics.rmse(mean, target, groups_in(table)),
            "mae": metrics.mean_interval(
                metrics.absolute_errors(mean, target), within=(0.0, np.inf), better="lower"
            ),
        }
        if mean.ndim == 2:
            found["rmse"] = replace(found["rmse"], details={"per_number": _each(table)})
        explained = metrics.r_squared(mean, target)
        if explained is not None:
            found["r_squared"] = Measure(explained, len(table), better="higher")
        return {
            name: replace(value, convention={**value.convention, **convention})
            for name, value in found.items()
        }

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the absolute error of each row."""
        if not len(table):
            return {}
        return {"mae": metrics.absolute_errors(table["mean"], table["target"])}


def _each(table: Table) -> dict[str, float]:
    """Return the RMSE of each number by its name."""
    mean, target = table["mean"], table["target"]
    return {
        name: metrics.rmse(mean[:, i], target[:, i]).value
        for i, name in enumerate(table.class_names)
    }
