"""The measures of a table: every metric whose columns are there, each name once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Plot, Table
from adversity.errors import DataError, PluginError
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts import Measure
    from adversity.engine.calls.ready import Ready
    from adversity.engine.stages.columns import Rows

__all__ = ["measures_of_rows"]


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
        known = ready.plugin.declared()
        for name, measure in ready.call.measures(table).items():
            _require_plot(ready, name, measure)
            if name in owners:
                raise PluginError(
                    f"{ready.label} and {owners[name]} both measure {name}, and a measure "
                    "has one name; use one of the two, or ask its author to rename the measure"
                )
            owners[name] = ready.label
            measures[name] = measure.known_as(known[name]) if name in known else measure
    return measures


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
