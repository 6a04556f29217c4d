"""What a metric promises that goes over the cells of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Measure, MeasuredCell, MeasureInfo, Table
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.testing.bench.bench import Case
from adversity.testing.bench.checks import Failed, NotApplicable, check, error_line, require
from adversity.testing.inputs.tables import table
from adversity.testing.kinds.metric.again import SUMS, require_same
from adversity.testing.kinds.metric.declared import in_range, plots, produces, words
from adversity.testing.kinds.metric.table_metric import (
    MetricBench,
    measures_are_json,
    value_in_interval,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.calls.ready import Ready

__all__ = ["CellMetricBench"]

_VARIABLE = "kit_seed"
_SHARE = MeasureInfo(0.0, 1.0, scale="share")
"""What is known of every measure of a cell."""
_ROWS = 20
"""Of the table of each cell."""


@check("The order of the cells does not matter.")
def cell_order(bench: CellMetricBench) -> str:
    """Turn the cells round, and rotate them."""
    worst = 0.0
    for case in bench.measured:
        count = len(case)
        first = bench.measures(bench.ready, case)
        for order in (range(count)[::-1], [*range(1, count), 0]):
            second = bench.measures(bench.ready, case.take(order))
            how = f"in another order of {case.name}"
            worst = max(worst, require_same(first, second, how, SUMS))
    return f"differs by at most {worst:.1g}"


@check("One cell alone is answered, or gives nothing.")
def one_cell(bench: CellMetricBench) -> str:
    """Fold a single cell: a spread of one value is no number."""
    case = bench.some_cells(1)
    try:
        measures = bench.measures(bench.ready, case)
    except BREAKS as error:
        raise Failed(
            f"expected measures of one cell, or none, got: {error_line(error)}; leave out what one "
            "value cannot have"
        ) from error
    return ", ".join(measures) or "nothing of one cell"


@check("A cell without a measure that it needs is refused, with the names of both.")
def cell_without(bench: CellMetricBench) -> str:
    """Take each measure of `needs()` from one cell of three."""
    needs = bench.ready.plugin.needs()
    if not needs:
        raise NotApplicable("it names no measure in needs()")
    case = bench.some_cells(3)
    for name in needs:
        cells = bench.cells(case)
        lacking = cells[1]
        others = {key: value for key, value in lacking.measures.items() if key != name}
        cells[1] = MeasuredCell(lacking.values, others, lacking.table)
        where = lacking.values[_VARIABLE]
        try:
            measures = bench.ready.call(cells)
        except InputError as error:
            require(
                name in str(error) and where in str(error),
                f"expected a message that names {name} and the cell {_VARIABLE}={where}, got: {error}",
            )
            continue
        except BREAKS as error:
            raise Failed(
                f"expected an InputError for a cell without {name}, got: {error_line(error)}"
            ) from error
        raise Failed(
            f"expected an InputError for a cell without {name}, got {', '.join(measures) or 'none'}"
        )
    return f"refused without {', '.join(needs)}"


class CellMetricBench(MetricBench):
    """Feed a metric with cells, each with measures and a table."""

    checks = (
        produces,
        in_range,
        words,
        value_in_interval,
        plots,
        cell_order,
        one_cell,
        cell_without,
        measures_are_json,
    )

    def cases(self) -> Sequence[Case]:
        """Return two cells, and five."""
        return [self.some_cells(count) for count in (5, 2)]

    @property
    def declared(self) -> dict[str, MeasureInfo]:
        """What it says of its measures, of cells as these."""
        return dict(self.ready.plugin.gives(dict.fromkeys(self._names(), _SHARE)))

    def _names(self) -> list[str]:
        """Return the measures that each cell has."""
        return list(dict.fromkeys((*self.make().needs(), "accuracy", "ece")))

    def some_cells(self, count: int) -> Case:
        """Return cells; a row holds the measures of one, those in `needs()` among them."""
        import torch

        generator = torch.Generator().manual_seed(count)
        rows = {
            name: 0.5 + 0.4 * torch.rand(count, generator=generator, dtype=torch.float64)
            for name in self._names()
        }
        ids = tuple(f"{number}{chr(ord('a') + number)}" for number in range(count))
        return Case(f"{count} cell{'s' if count > 1 else ''}", rows, ids)

    def cells(self, case: Case) -> list[MeasuredCell]:
        """Return the cells of a case."""
        return [self._cell(case, number) for number in range(len(case))]

    def _cell(self, case: Case, number: int) -> MeasuredCell:
        rows = table(_ROWS, 4)
        columns = super().columns(rows)
        measures = {
            name: Measure(
                float(values[number]), _ROWS, convention={"made": "by the kit"}, info=_SHARE
            )
            for name, values in case.rows.items()
        }
        return MeasuredCell(
            {_VARIABLE: case.ids[number]},
            measures,
            Table(columns, tuple(f"class_{k}" for k in range(4))),
        )

    def measures(self, ready: Ready, case: Case) -> dict[str, Measure]:
        """Fold the cells of a case."""
        measures: dict[str, Measure] = ready.call(self.cells(case))
        return measures
