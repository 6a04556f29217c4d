"""The measures of a table: every metric whose columns are there, each name once."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import Plot, Table
from adversity.engine.calls.judged_rows import judged_rows, judged_tables, spread
from adversity.engine.calls.ready import BREAKS
from adversity.engine.stages.for_groups import allowing_for_groups
from adversity.errors import DataError, InputError, PluginError
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adversity.contracts import Measure, MeasureInfo, Metric
    from adversity.engine.calls.ready import Ready
    from adversity.engine.stages.columns import Columns, Rows
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["described", "located", "measures_of_rows", "measures_of_table", "sample_columns"]


def measures_of_rows(
    metrics: Iterable[Ready], rows: Rows, class_names: tuple[str, ...]
) -> dict[str, Measure]:
    """Return what the metrics measure, with what they declare of it.

    Args:
        metrics: Set up.
        rows: Of one cell.
        class_names: Of the data.

    Raises:
        PluginError: If a metric fails, or measures something under a name that is taken. Where
            names are declared, planning has refused that.
    """
    table = Table(rows, class_names)
    measures: dict[str, Measure] = {}
    owners = dict.fromkeys((*OF_DATA, *OF_ATTACKS), "Adversity itself")
    for ready in metrics:
        own = described(ready, ready.call.measures(table))
        own = allowing_for_groups(ready, own, (table,), partial(sample_columns, ready, table, None))
        _require_free(ready, own, owners)
        owners |= dict.fromkeys(own, ready.label)
        measures |= own
    return measures


def measures_of_table(ready: Ready, table: Table, reference: Table | None) -> dict[str, Measure]:
    """Return what one metric measures of a table, compared with another one if it compares.

    Raises:
        PluginError: As `measures_of_rows`.
    """
    own = described(ready, ready.call(table, reference))
    tables = (table,) if reference is None else (table, reference)
    values_of = partial(sample_columns, ready, table, reference)
    own = allowing_for_groups(ready, own, tables, values_of)
    _require_free(ready, own, dict.fromkeys((*OF_DATA, *OF_ATTACKS), "Adversity itself"))
    return own


def described(
    ready: Ready, measures: Mapping[str, Measure], known: Mapping[str, MeasureInfo] | None = None
) -> dict[str, Measure]:
    """Return measures with what their metric declares of them.

    Args:
        ready: The metric.
        measures: What it measured.
        known: What it says of them, where its class does not.

    Raises:
        PluginError: If one has a plot that cannot be drawn.
    """
    known = ready.plugin.declared() if known is None else known
    for name, measure in measures.items():
        _require_plot(ready, name, measure)
    return {
        name: measure.known_as(known[name]) if name in known else measure
        for name, measure in measures.items()
    }


@contextmanager
def located(planned: PlannedStep, cell: Cell) -> Iterator[None]:
    """Say for what a metric refuses where it was asked.

    Raises:
        InputError: With the step's line, its name and the cell.
    """
    try:
        yield
    except InputError as error:
        where = f" in the cell {cell.key}" if cell.key else ""
        raise type(error)(f"{planned.line}: {planned.id}{where}: {error}") from error


def sample_columns(ready: Ready, table: Table, reference: Table | None) -> Columns:
    """Return the values that the measures of a table are means of, a column each.

    Of rows that the metric is not given it is NaN.

    Raises:
        PluginError: If the metric fails, or its values are not one a row.
    """
    metric: Metric = ready.plugin
    given = judged_tables(metric, table, reference)
    keep = judged_rows(metric, table, reference if metric.compares == "samples" else None)
    count = len(given[0])
    try:
        answer = metric.per_sample(*given) if reference is None else metric.per_pair(*given)
    except BREAKS as error:
        ready.guard(error)
    columns = {}
    for name, values in answer.items():
        column = np.asarray(values)
        if column.shape != (count,) or column.dtype.kind not in "bf":
            ready.broke(
                f"expected {count} booleans or floats for {name}, one a row, got "
                f"{column.dtype} {list(column.shape)}"
            )
        column = column if column.dtype == np.bool_ else column.astype(np.float64)
        columns[name] = spread(column, keep)
    return columns


def _require_free(ready: Ready, names: Iterable[str], owners: Mapping[str, str]) -> None:
    """Refuse a measure whose name is taken.

    Raises:
        PluginError: With both owners.
    """
    for name in names:
        if name in owners:
            raise PluginError(
                f"{ready.label} and {owners[name]} both measure {name}, and a measure "
                "has one name; use one of the two, or ask its author to rename the measure"
            )


def _require_plot(ready: Ready, name: str, measure: Measure) -> None:
    """Refuse a plot that a report cannot draw, while it is known whose it is.

    Raises:
        PluginError: With the metric and the measure.
    """
    try:
        if "plot" in measure.details:
            Plot.from_json(measure.details["plot"])
    except DataError as error:
        ready.broke(f"{name}: {error}")
