"""What a metric declares of its measures, held against what it returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import CellMetric, MeasureInfo, Plot
from adversity.errors import DataError
from adversity.testing.bench.checks import Failed, NotApplicable, check, require

if TYPE_CHECKING:
    from adversity.testing.kinds.metric.table_metric import MetricBench

__all__ = ["in_range", "pairs", "plots", "produces", "words"]


@check("It returns measures of the names in `produces`, and no others.")
def produces(bench: MetricBench) -> str:
    """Collect the names over all tables."""
    named = _declared(bench)
    measured = {name for case in bench.answered for name in bench.measures(bench.ready, case)}
    require(measured, f"expected a measure among {list(named)}, got none: does `wants` fit?")
    more = sorted(measured - set(named))
    require(not more, f"expected measures among {list(named)}, got {', '.join(more)} as well")
    return ", ".join(sorted(measured))


@check("A value lies in the range that it declares.")
def in_range(bench: MetricBench) -> str:
    """Compare every value with `produces`, where it has ranges: gates are refused by them."""
    declared = bench.declared
    summary = {}
    for case in bench.answered:
        for name, measure in bench.measures(bench.ready, case).items():
            info = declared.get(name)
            if info is None or not info.bounded:
                continue
            require(
                info.admits(measure.value),
                f"expected {name} in [{info.low:g}, {info.high:g}], as `produces` says, got "
                f"{measure.value:.6g} on {case.name}",
            )
            summary[name] = f"{name} in [{info.low:g}, {info.high:g}]"
    if not summary:
        raise NotApplicable("it declares no range")
    return ", ".join(summary.values())


@check("Unit and direction of a measure are those that it declares.")
def words(bench: MetricBench) -> str:
    """Compare every measure with `produces`: report, gates and comparisons rely on that."""
    declared = _declared(bench)
    summary = {}
    for case in bench.answered:
        for name, measure in bench.measures(bench.ready, case).items():
            info = declared.get(name, MeasureInfo())
            for what in ("unit", "better"):
                own, stated = getattr(measure, what), getattr(info, what)
                require(
                    not own or own == stated,
                    f"expected {what} of {name} to be {stated!r}, as `produces` says, got {own!r}: "
                    f"declare MeasureInfo({what}={own!r}), or leave it out of the Measure",
                )
            summary[name] = f"{info.title or name}: {info.better or 'neither'} is better"
    return ", ".join(summary.values())


@check("What it pairs by sample is what the measure is the mean of.")
def pairs(bench: MetricBench) -> str:
    """Compare the mean of `per_sample`, where it counts, with the measure, and n with the rows."""
    summary = {}
    for case in bench.measured:
        measures = bench.measures(bench.ready, case)
        for name, values in bench.pairs(case).items():
            require(name in measures, f"expected values of a measure to pair, got {name!r}")
            values = np.asarray(values)
            require(
                values.shape == (len(case),) and values.dtype.kind in "bf",
                f"expected {len(case)} booleans or floats for {name}, got {values.dtype} "
                f"{list(values.shape)}",
            )
            counted = values[~np.isnan(values.astype(np.float64))].astype(np.float64)
            mean, measure = float(counted.mean()), measures[name]
            require(
                len(counted) == measure.n and math.isclose(mean, measure.value, abs_tol=1e-9),
                f"expected {name} = {measure.value:.6g} of {measure.n} samples to be the mean of "
                f"what it pairs on {case.name}, got {mean:.6g} of {len(counted)}",
            )
            summary[name] = f"{name} pairs by sample"
    if not summary:
        raise NotApplicable("it pairs no measure by sample")
    return ", ".join(summary.values())


@check("A plot in the details of a measure can be drawn.")
def plots(bench: MetricBench) -> str:
    """Read every `details["plot"]` as the report does."""
    count = 0
    for case in bench.measured:
        for name, measure in bench.measures(bench.ready, case).items():
            if "plot" in measure.details:
                try:
                    Plot.from_json(measure.details["plot"])
                except DataError as error:
                    raise Failed(f"{name} on {case.name}: {error}") from error
                count += 1
    if not count:
        raise NotApplicable("it brings no plot")
    return f"{count} plots"


def _declared(bench: MetricBench) -> dict[str, MeasureInfo]:
    """Return what `produces`, or `gives`, says.

    Raises:
        NotApplicable: If a metric over cells says nothing.
    """
    named = bench.declared
    if not named and issubclass(bench.cls, CellMetric):
        raise NotApplicable("it says in neither `produces` nor `gives` what it measures")
    return named
