"""Intervals of a step's measures where its samples come in groups, whatever the metric knows of it.

A metric that allows for groups says so: the method of its interval ends in `grouped`. Of others
the core makes the interval anew where the measure is a mean of values that the metric gives for
each sample, and takes it away elsewhere: it would be too narrow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import ImageMetric
from adversity.data.sample_columns import GROUP
from adversity.engine.calls.metric_call import column_of
from adversity.metrics.grouped import are_grouped, grouped, without_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity.contracts import Measure, Table
    from adversity.engine.calls.ready import Ready
    from adversity.engine.stages.columns import Columns

__all__ = ["allowing_for_groups", "rows_grouped"]

_SAME = 1e-9
"""So close, relatively, are a measure and the mean of its values: sums in another order."""


def rows_grouped(columns: Mapping[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any] | None:
    """Return the groups of rows, `[N]` names or None; None where no two rows share one."""
    groups = columns.get(GROUP)
    return groups if are_grouped(groups) else None


def allowing_for_groups(
    ready: Ready,
    measures: Mapping[str, Measure],
    tables: tuple[Table, ...],
    values_of: Callable[[], Columns],
) -> dict[str, Measure]:
    """Return measures whose intervals allow for the groups of the samples.

    Where no two samples of a table share a group, they are returned as they are.

    Args:
        ready: The metric.
        measures: What it measured, with what is known of it.
        tables: What it measured them of.
        values_of: Returns the values that measures are the means of, `[N]` each for the rows of
            the first table, NaN for a row that does not count.
    """
    groups = [rows_grouped(table.columns) for table in tables]
    if all(each is None for each in groups) or all(map(_settled, measures.values())):
        return dict(measures)
    given: Columns = {}
    if isinstance(ready.plugin, ImageMetric):
        name = column_of(ready.plugin)
        given = {name: tables[0][name]} if name in tables[0].columns else {}
    elif len(tables) == 1 or ready.plugin.compares == "samples":
        given = values_of()
    first = next(each for each in groups if each is not None)
    return {name: _allowing(measure, given.get(name), first) for name, measure in measures.items()}


def _settled(measure: Measure) -> bool:
    """Say whether a measure has no interval, or one that allows for groups."""
    return measure.low is None or (measure.method or "").endswith("grouped")


def _allowing(
    measure: Measure, values: np.ndarray[Any, Any] | None, groups: np.ndarray[Any, Any]
) -> Measure:
    if _settled(measure):
        return measure
    if values is None:
        return without_interval(measure)
    exact = values.astype(np.float64)
    counted = np.isfinite(exact)
    count = int(counted.sum())
    mean = math.fsum(exact[counted].tolist()) / count if count else math.nan
    if count != measure.n or not math.isclose(mean, measure.value, rel_tol=_SAME, abs_tol=_SAME):
        return without_interval(measure)
    verdicts = values.dtype.kind == "b" or measure.method == "wilson"
    own = exact[counted] == 1 if verdicts else exact[counted]
    return grouped(measure, own, groups[counted])
