"""The mean of a measure over cells: over seeds, over severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import CellMetric, Measure, MeasureInfo, Plot, metrics
from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import MeasuredCell

__all__ = ["MeanOverCells"]

_SPREAD = "spread of "


class MeanOverCells(CellMetric):
    """Mean and spread of a measure over the cells of a step, as over the seeds of a training.

    n is the number of cells, and the spread is the sample standard deviation. Severities that were
    chosen are all there are: their mean has no interval. Of cells that were drawn from many like
    them, as seeds are (`cells: drawn`), it is Student's and speaks of others that could have been
    drawn, not of other samples. One cell has neither interval nor spread.
    """

    name = "mean_over_cells"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"measure": "accuracy"},
        {"measure": "accuracy", "cells": "drawn"},
    )

    measure: str = Field(description="The measure that every cell has: `accuracy`.", min_length=1)
    cells: Literal["fixed", "drawn"] = Field(
        "fixed",
        description="Whether the cells were chosen, as severities are, or drawn from many like "
        "them, as seeds are; only then the mean has an interval.",
    )

    def needs(self) -> tuple[str, ...]:
        """Return the measure."""
        return (self.measure,)

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        """Return the mean with the words of the measure, and its spread."""
        info = known.get(self.measure, MeasureInfo())
        title = _SPREAD + (info.title or self.measure.replace("_", " "))
        spread = MeasureInfo(low=0.0, title=title, unit=info.unit)
        return {self.measure: info, f"{self.measure}_spread": spread}

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        """Return the mean under the measure's own name, and `<measure>_spread`.

        Raises:
            InputError: A cell has no such measure.
        """
        measures = [self._of(cell, cells) for cell in cells]
        first, values = measures[0], [measure.value for measure in measures]
        said = {"over": f"{len(cells)} cell{'s' * (len(cells) > 1)} ({', '.join(_folded(cells))})"}
        mean = self._mean(measures, said)
        if len(cells) == 1:
            return {self.measure: mean}
        info = self.gives({self.measure: first.info})[f"{self.measure}_spread"]
        title = info.title.removeprefix(_SPREAD)
        plot = Plot("bars", _labels(cells), values, ", ".join(_folded(cells)), title)
        spread = Measure(
            stdev(values),
            len(cells),
            convention={**said, "spread": "sample standard deviation, n - 1"},
            unit=first.unit,
            info=info,
        )
        return {
            self.measure: replace(mean, details={**mean.details, "plot": plot.as_json()}),
            f"{self.measure}_spread": spread,
        }

    def _mean(self, measures: Sequence[Measure], said: Mapping[str, str]) -> Measure:
        """Return the mean of the cells' measures, with an interval if the cells were drawn."""
        first = measures[0]
        mean = metrics.mean_interval(
            [measure.value for measure in measures],
            within=(first.info.low, first.info.high),
            better=first.better,
            unit=first.unit,
            convention={**said, "in each cell": _shared([one.convention for one in measures])},
        )
        infinite = [one.details["infinite"] for one in measures if "infinite" in one.details]
        mean = replace(
            mean, info=first.info, details={"infinite": sum(infinite)} if infinite else {}
        )
        if self.cells == "fixed":
            return replace(mean, low=None, high=None, method=None)
        speaks = "speaks of other cells that could have been drawn, not of other samples"
        convention = {**mean.convention, **({"interval": speaks} if mean.method else {})}
        return replace(mean, convention=convention)

    def _of(self, cell: MeasuredCell, cells: Sequence[MeasuredCell]) -> Measure:
        """Return the measure of one cell.

        Raises:
            InputError: It has none, with the cell and what it has.
        """
        if self.measure in cell.measures:
            return cell.measures[self.measure]
        where = ", ".join(f"{name}={value}" for name, value in cell.values.items())
        with_it = sum(self.measure in other.measures for other in cells)
        hint = did_you_mean(self.measure, cell.measures)
        raise InputError(
            f"mean_over_cells: expected {self.measure} in each of {len(cells)} cells, "
            f"{with_it} have it; the cell {where} has {', '.join(cell.measures) or 'no measure'}; "
            f"{hint or 'name a measure that every cell has'}"
        )


def _folded(cells: Sequence[MeasuredCell]) -> list[str]:
    """Return the variables in which the cells differ; all of them for one cell."""
    first = cells[0].values
    differing = [name for name in first if len({cell.values[name] for cell in cells}) > 1]
    return differing or list(first)


def _labels(cells: Sequence[MeasuredCell]) -> list[str]:
    """Return a name for each cell: its values of the variables in which they differ."""
    names = _folded(cells)
    return [", ".join(cell.values[name] for name in names) for cell in cells]


def _shared(conventions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the cells' conventions say; where they differ, each with how many say it."""
    shared: dict[str, Any] = {}
    for name in dict.fromkeys(name for said in conventions for name in said):
        values = [said.get(name) for said in conventions]
        distinct = [value for i, value in enumerate(values) if value not in values[:i]]
        shared[name] = values[0]
        if len(distinct) > 1:
            shared[name] = ", ".join(
                f"{'not said' if value is None else value} in {values.count(value)} of "
                f"{len(values)} cells"
                for value in distinct
            )
    return shared
