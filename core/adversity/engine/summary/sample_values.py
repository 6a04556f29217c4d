"""The value of each sample that a measure is the mean of, as the metric says: what can be paired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import ImageMetric, Metric, Table
from adversity.engine.calls.judged_rows import judged_rows, judged_tables, spread
from adversity.engine.calls.ready import BREAKS
from adversity.errors import AdversityError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts import MetricBase

__all__ = ["are_verdicts", "sample_values"]

Array = np.ndarray[Any, Any]


def sample_values(
    metrics: Iterable[MetricBase],
    measure: str,
    rows: Mapping[str, Array],
    class_names: tuple[str, ...] = (),
) -> Array | None:
    """Return `[N]` values whose mean is a measure; None where it is no mean over samples.

    It is NaN where a sample does not count, as one without a label in an accuracy.

    Args:
        metrics: Those of the pipeline, not set up.
        measure: Its name.
        rows: One cell of a step's table.
        class_names: The classes that `target` and `prediction` index.

    Raises:
        PluginError: If the metric fails, or its values are not one a row.
    """
    # Those that say they give it are asked first: each that is asked reads its columns.
    for metric in sorted(metrics, key=lambda metric: measure not in metric.declared()):
        if isinstance(metric, ImageMetric):
            if measure in metric.declared() and measure in rows:
                return rows[measure]
        elif isinstance(metric, Metric) and metric.takes(table := Table(rows, class_names)):
            keep, [given] = judged_rows(metric, table), judged_tables(metric, table, None)
            values = _asked(metric, measure, given)
            if values is not None:
                return spread(_checked(metric, measure, values, len(given)), keep)
    return None


def are_verdicts(values: Array) -> bool:
    """Say whether values are yes and no: booleans, or 1 and 0 with NaN where a row does not count."""
    if values.dtype.kind == "b":
        return True
    unknown = np.isnan(values)
    return bool(unknown.any() and np.isin(values[~unknown], (0.0, 1.0)).all())


def _asked(metric: Metric, measure: str, table: Table) -> Array | None:
    try:
        answer: object = metric.per_sample(table)
        if isinstance(answer, Mapping):
            return np.asarray(answer[measure]) if measure in answer else None
    except AdversityError:
        raise
    except BREAKS as error:
        raise PluginError(
            f'metric "{metric.name}": per_sample raised {type(error).__name__}: {error}; report it '
            "to the plugin's author"
        ) from error
    raise PluginError(
        f'metric "{metric.name}": expected per_sample to return values by the name of their '
        f"measure, got {type(answer).__name__}; report it to the plugin's author"
    )


def _checked(metric: Metric, measure: str, values: Array, count: int) -> Array:
    if values.shape != (count,) or values.dtype.kind not in "bf":
        raise PluginError(
            f'metric "{metric.name}": expected per_sample to give {count} booleans or floats for '
            f"{measure}, one a row, got {values.dtype} {list(values.shape)}; report it to the "
            "plugin's author"
        )
    return values
