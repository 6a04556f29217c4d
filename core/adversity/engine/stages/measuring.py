"""The measures of a table: every metric whose columns are there, each name once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import ImageMetric, Metric, Table
from adversity.engine.calls.final_calls import BREAKS
from adversity.errors import AdversityError, PluginError
from adversity.metrics import mean_interval
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts import Measure, MetricBase
    from adversity.engine.stages.columns import Rows

__all__ = ["column_of", "measures_of_rows"]


def measures_of_rows(
    metrics: Iterable[MetricBase], rows: Rows, class_names: tuple[str, ...]
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
    for metric in metrics:
        known = metric.declared()
        for name, measure in _of(metric, table, rows).items():
            if name in owners:
                raise PluginError(
                    f'metric "{metric.name}" and {owners[name]} both measure {name}, and a measure '
                    "has one name; use one of the two, or ask its author to rename the measure"
                )
            owners[name] = f'metric "{metric.name}"'
            measures[name] = measure.known_as(known[name]) if name in known else measure
    return measures


def _of(metric: MetricBase, table: Table, rows: Rows) -> Mapping[str, Measure]:
    """Return what one metric measures; nothing where a column that it needs is missing."""
    if isinstance(metric, Metric) and metric.takes(table):
        return _computed(metric, table)
    if isinstance(metric, ImageMetric) and table.has(column_of(metric)):
        return _mean(metric, rows[column_of(metric)])
    return {}


def _computed(metric: Metric, table: Table) -> Mapping[str, Measure]:
    try:
        return metric.compute(table)
    except AdversityError:
        raise
    except BREAKS as error:
        raise PluginError(
            f'metric "{metric.name}" raised {type(error).__name__}: {error}; report it to the '
            "plugin's author"
        ) from error


def _mean(metric: ImageMetric, values: np.ndarray[Any, Any]) -> dict[str, Measure]:
    """Average an image metric over the images where it is finite; the rest is counted."""
    values = values[~np.isnan(values)]
    if not np.isfinite(values).any():
        return {}
    mean = mean_interval(values, infinite="leave_out", convention=metric.convention())
    return {column_of(metric): mean}


def column_of(metric: ImageMetric) -> str:
    """Return the column an image metric fills."""
    return next(iter(metric.produces), metric.name)
