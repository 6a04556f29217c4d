"""For each check of metrics over cells, one that fails exactly that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any, ClassVar

import numpy as np
import pytest

from adversity import CellMetric, Measure, MeasuredCell, MeasureInfo
from adversity.errors import InputError
from adversity.testing import check_plugin
from adversity.testing.kinds.metric.cell_metric import CellMetricBench

Found = Mapping[str, Measure]


class Total(CellMetric):
    """The mean accuracy of the cells."""

    name: ClassVar[str] = "total"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"total": MeasureInfo(0.0, 1.0)}

    def needs(self) -> tuple[str, ...]:
        return ("accuracy",)

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        for cell in cells:
            if "accuracy" not in cell.measures:
                raise InputError(f"no accuracy in {dict(cell.values)}")
        values = [cell.measures["accuracy"].value for cell in cells]
        return {"total": Measure(mean(values), len(cells))}

    def changed(self, cells: Sequence[MeasuredCell], **changes: Any) -> Found:
        """The same with something else in the measure."""
        return {"total": replace(Total.fold(self, cells)["total"], **changes)}


class Rows(CellMetric):
    """The rows of all cells together; it needs no measure and says no names."""

    name: ClassVar[str] = "rows"

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return {"rows": Measure(float(sum(len(cell.table) for cell in cells)), len(cells))}


class Named(CellMetric):
    """The mean of a measure that a parameter names, which `gives` says."""

    name: ClassVar[str] = "named"
    measure: str = "ece"

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        return {self.measure: known[self.measure]}

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return {self.measure: Measure(mean(c.measures["ece"].value for c in cells), len(cells))}


class GivesAnother(Named):
    """Returns it under another name than it says."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return {"mean": super().fold(cells)["ece"]}


class GivesPercent(Named):
    """Leaves the range that it says."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return {"ece": replace(super().fold(cells)["ece"], value=50.0)}


class MoreNames(Total):
    """Returns a measure that it does not announce."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        found = super().fold(cells)
        return {**found, "other": found["total"]}


class BeyondItsRange(Total):
    """Counts in percent what it declares as a share."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return self.changed(cells, value=100 * super().fold(cells)["total"].value)


class OtherUnit(Total):
    """Gives a unit that it does not declare."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return self.changed(cells, unit="px")


class Outside(Total):
    """Puts the interval beside the value."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return self.changed(cells, low=-0.2, high=-0.1)


class Crooked(Total):
    """Brings a plot with more values than places."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        plot = {"form": "line", "x": [0.0], "y": [1.0, 2.0], "x_title": "", "y_title": ""}
        return self.changed(cells, details={"plot": plot})


class FirstAlone(Total):
    """Gives what the first cell has."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        super().fold(cells)
        return self.changed(cells, value=cells[0].measures["accuracy"].value)


class NeedsTwo(Total):
    """Takes the spread of one value."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        found = super().fold(cells)
        spread = stdev(cell.measures["accuracy"].value for cell in cells)
        return {"total": replace(found["total"], details={"spread": spread})}


class SkipsInSilence(Total):
    """Leaves out the cells that have no accuracy."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return super().fold([cell for cell in cells if "accuracy" in cell.measures])


class Unclear(Total):
    """Refuses them without saying which."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        if any("accuracy" not in cell.measures for cell in cells):
            raise InputError("a cell has no accuracy")
        return super().fold(cells)


class ArrayInside(Total):
    """Puts an array into the details."""

    def fold(self, cells: Sequence[MeasuredCell]) -> Found:
        return self.changed(cells, details={"rows": np.zeros(3)})


TWINS = {
    "produces": MoreNames,
    "in_range": BeyondItsRange,
    "words": OtherUnit,
    "value_in_interval": Outside,
    "plots": Crooked,
    "cell_order": FirstAlone,
    "one_cell": NeedsTwo,
    "cell_without": SkipsInSilence,
    "measures_are_json": ArrayInside,
}


@pytest.mark.parametrize("plugin", [Total, Rows, Named])
def test_sound_metric_passes(plugin: Any) -> None:
    """A metric that keeps its promises fails nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


@pytest.mark.parametrize(
    ("twin", "check"), [(GivesAnother, "produces"), (GivesPercent, "in_range")]
)
def test_what_gives_says_is_held_against_what_comes(
    twin: Any, check: str, failed: Callable[..., dict[str, str]]
) -> None:
    """Names and ranges that depend on parameters are checked as declared ones are."""
    assert failed(twin).keys() == {check}


def test_a_refusal_names_the_cell(failed: Callable[..., dict[str, str]]) -> None:
    """A message that does not say which cell it is fails the same check, and no other."""
    found = failed(Unclear)
    assert found.keys() == {"cell_without"}
    assert "names accuracy and the cell kit_seed=1b, got: a cell has no" in found["cell_without"]


def test_no_check_lacks_a_twin() -> None:
    """Each check of cells has a twin that fails it."""
    assert {check.name for check in CellMetricBench.checks} == set(TWINS)
