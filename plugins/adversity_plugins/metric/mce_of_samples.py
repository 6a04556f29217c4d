"""Mean corruption error of one data set that holds all 75 cells, with an interval over images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from adversity import Measure, MeasureInfo, Metric, Plot, metrics
from adversity.errors import InputError
from adversity_plugins.metric._alexnet import ALEXNET, ALEXNET_CLEAN
from adversity_plugins.metric.mce import MCE

if TYPE_CHECKING:
    from adversity import Table

__all__ = ["MCEOfSamples"]

Array = np.ndarray[Any, Any]
_SEVERITIES = (1, 2, 3, 4, 5)


class MCEOfSamples(Metric):
    """Mean corruption error of ImageNet-C where one data set holds all corruptions and severities.

    As `imagenet_c_folder` and `cifar_c` do: samples have the attributes `corruption` and
    `severity`, and the clean image as their group. The same number as `mce` makes of 75 cells: the
    errors of a corruption by those of AlexNet, summed over severities, and the mean of 15. Where
    every clean image is there once in each of the 75, mCE is a mean over clean images, and has
    their interval.

    The four extra corruptions are left out, and named; anything less than 15 corruptions at 5
    severities is refused. AlexNet's errors are those on the published files of ImageNet-C: of
    other images the number is a summary in their unit.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (section 3.2: CE, mCE, relative mCE). The interval is ours.
    """

    name = "mce_of_samples"
    reference: ClassVar[str] = MCE.reference
    wants: ClassVar[tuple[str, ...]] = ("correct", "attribute_corruption", "attribute_severity")
    produces: ClassVar[Mapping[str, MeasureInfo]] = MCE.produces
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"clean_accuracy": 0.76})

    expected_failures: ClassVar[Mapping[str, str]] = {
        "answers": "it is defined for 15 corruptions at 5 severities; the kit's have none",
    }

    clean_accuracy: float | None = Field(
        None,
        ge=0,
        le=1,
        description="accuracy of the same network on the clean images; with it comes the relative "
        "mCE, of the errors that the corruptions add",
    )

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return `mce` and, with the clean accuracy, `relative_mce`.

        Raises:
            InputError: If a corruption or severity has no sample.
        """
        cells = _cells(table)
        wrong = 1.0 - np.asarray(table["correct"], dtype=np.float64)
        said = {
            "over": "15 corruptions, 5 severities",
            "in": "AlexNet's errors on the published ImageNet-C (hendrycks/robustness, issue 10)",
            **_left_out(table),
        }
        found = {"mce": self._measure("mce", wrong, cells, _by_image(table, cells), said)}
        if self.clean_accuracy is not None:
            clean = 1 - self.clean_accuracy
            more = {**said, "clean error": clean, "AlexNet's clean error": ALEXNET_CLEAN}
            found["relative_mce"] = self._measure(
                "relative_mce", wrong - clean, cells, _by_image(table, cells), more, ALEXNET_CLEAN
            )
        return found

    def _measure(
        self,
        name: str,
        wrong: Array,
        cells: Mapping[tuple[str, int], Array],
        images: Array | None,
        said: Mapping[str, Any],
        subtracted: float = 0.0,
    ) -> Measure:
        """Return the mean over corruptions, with a bar for each.

        Args:
            name: Of the measure.
            wrong: `[N]`, the errors, less the clean error where that is taken off.
            cells: The rows of each corruption and severity.
            images: `[G, 75]` rows of each clean image by cell; None where some lack one.
            said: The convention.
            subtracted: What is taken off each of AlexNet's errors.
        """
        info = self.produces[name]
        units = {one: sum(errors) - 5 * subtracted for one, errors in ALEXNET.items()}
        shares = {
            one: 100 * sum(float(wrong[cells[one, at]].mean()) for at in _SEVERITIES) / unit
            for one, unit in units.items()
        }
        value = sum(shares.values()) / len(shares)
        plot = Plot("bars", list(shares), list(shares.values()), "corruption", f"{info.title} in %")
        interval = None
        if images is not None:
            weights = np.repeat([100 / unit / len(units) for unit in units.values()], 5)
            interval = metrics.mean_interval(wrong[images] @ weights, within=(info.low, info.high))
        return Measure(
            value,
            sum(len(cells[one, at]) for one in ALEXNET for at in _SEVERITIES),
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            method=None if interval is None or interval.method is None else "student t, grouped",
            convention=dict(said),
            unit=info.unit,
            better=info.better,
            details={"plot": plot.as_json()},
            info=info,
        )


def _cells(table: Table) -> dict[tuple[str, int], Array]:
    """Return the rows of each corruption and severity of the benchmark.

    Raises:
        InputError: If one has none.
    """
    names, severities = table["attribute_corruption"], table["attribute_severity"]
    cells = {
        (name, at): np.flatnonzero((names == name) & (severities == at))
        for name in ALEXNET
        for at in _SEVERITIES
    }
    missing = [f"{name} at {at}" for (name, at), rows in cells.items() if not len(rows)]
    if missing:
        raise InputError(
            f"mce_of_samples: expected the 15 corruptions of ImageNet-C at severities 1 to 5, "
            f"{len(missing)} of 75 have no sample, {missing[0]} the first; take them all into the "
            "data set, or use accuracy for the plain mean of what there is"
        )
    return cells


def _by_image(table: Table, cells: Mapping[tuple[str, int], Array]) -> Array | None:
    """Return the row of each clean image in each cell, `[G, 75]`; None where one is not there once."""
    if not table.has("group"):
        return None
    groups = np.asarray(table["group"], dtype=object).astype(str)
    order = [rows[np.argsort(groups[rows], kind="stable")] for rows in cells.values()]
    first = groups[order[0]]
    once = len(set(first)) == len(first)
    if not once or any(len(r) != len(first) or (groups[r] != first).any() for r in order):
        return None
    return np.stack(order, axis=1)


def _left_out(table: Table) -> dict[str, str]:
    others = sorted({str(name) for name in table["attribute_corruption"]} - ALEXNET.keys())
    return {"left out": ", ".join(others)} if others else {}
