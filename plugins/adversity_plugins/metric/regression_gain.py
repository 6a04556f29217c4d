"""Errors of two tables of numbers, compared sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    import numpy as np

    from adversity import Measure, Table

__all__ = ["RegressionGain"]


class RegressionGain(Metric):
    """By how much the errors of `from:` are smaller than those of `against:`, on the same samples.

    After a restoration and before it, of two regressors, on degraded and on clean images. Above 0
    `from:` is better; below 0 it is worse.
    """

    name = "regression_gain"
    reference = "Efron, The jackknife, the bootstrap and other resampling plans, 1982"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "samples"
    wants = ("target", "mean")
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "rmse_gain": MeasureInfo(
            title="gain in RMSE", better="higher", group="regression", headline=1
        ),
        "mae_gain": MeasureInfo(
            title="gain in mean absolute error", better="higher", group="regression"
        ),
    }

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `rmse_gain` and `mae_gain`."""
        if reference is None or not len(table):
            return {}
        target, groups = table["target"], groups_in(table)
        before, after = self._errors(reference, target), self._errors(table, target)
        mae = metrics.paired_difference(before, after, groups=groups, better="higher")
        return {
            "rmse_gain": metrics.rmse_gain(table["mean"], reference["mean"], target, groups=groups),
            "mae_gain": replace(mae, convention={**mae.convention, "difference": "before - after"}),
        }

    def per_pair(self, table: Table, reference: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return by how much the absolute error of each row is smaller."""
        if not len(table):
            return {}
        target = table["target"]
        return {"mae_gain": self._errors(reference, target) - self._errors(table, target)}

    @staticmethod
    def _errors(table: Table, target: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return metrics.absolute_errors(table["mean"], target)
