"""The mean of a measure over cells: over seeds, over severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import CellMetric, Measure, MeasureInfo, Plot, metrics
from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import MeasuredCell

__all__ = ["MeanOverCells"]


class MeanOverCells(CellMetric):
    """Mean and spread of a measure over the cells of a step, as over the seeds of a training.

    The interval is Student's, and n is the number of cells: it speaks of other cells like these,
    such as other seeds, and not of other samples. The spread is the sample standard deviation.
    One cell has neither.
    """

    name = "mean_over_cells"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"measure": "accuracy"},)

    measure: str = Field(description="The measure that every cell has: `accuracy`.", min_length=1)

    def needs(self) -> tuple[str, ...]:
        """Return the measure."""
        return (self.measure,)

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        """Return the mean under the measure's own name, and `<measure>_spread`.

        Raises:
            InputError: A cell has no such measure.
        """
        measures = [self._of(cell, cells) for cell in cells]
        first, values = measures[0], [measure.value for measure in measures]
        count = len(cells)
        said = {"over": f"{count} cell{'s' if count > 1 else ''} ({', '.join(_folded(cells))})"}
        mean = metrics.mean_interval(
            values,
            within=(first.info.low, first.info.high),
            better=first.better,
            unit=first.unit,
            convention={
                **said,
                "interval": "speaks of other cells like these, not of other samples",
                "in each cell": dict(first.convention),
            },
        )
        if count == 1:
            return {self.measure: replace(mean, info=first.info)}
        title = first.info.title or self.measure.replace("_", " ")
        plot = Plot("bars", _labels(cells), values, ", ".join(_folded(cells)), title)
        spread = Measure(
            stdev(values),
            count,
            convention={**said, "spread": "sample standard deviation, n - 1"},
            unit=first.unit,
            info=MeasureInfo(low=0.0, title=f"spread of {title}", unit=first.unit),
        )
        return {
            self.measure: replace(mean, info=first.info, details={"plot": plot.as_json()}),
            f"{self.measure}_spread": spread,
        }

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
