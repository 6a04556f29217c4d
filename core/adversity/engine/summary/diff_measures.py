"""The measures of two runs compared on the images that both have, with a test each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Measure, MeasureInfo
from adversity.data.sample_columns import grouping_column, groups_of
from adversity.engine.summary.diff_answers import shared_steps
from adversity.engine.summary.diff_draws import (
    NO_MEAN,
    OTHER,
    ComparedCell,
    drawn_changes,
    is_stored,
)
from adversity.engine.summary.pairs import (
    common_places,
    convention_of,
    otherwise_measured,
    paired_change,
    same_rows,
)
from adversity.engine.summary.sample_values import sample_values
from adversity.metrics import holm
from adversity.pipeline.plan.measures import measures_of
from adversity.report.values.paired import cell_key
from adversity.report.values.run_diff import ComparedMeasure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.data.stored import StoredRows
    from adversity.engine.summary.recorded_run import RecordedRun

__all__ = ["compared_measures"]

Array = np.ndarray[Any, Any]
_VERDICTS = {"accuracy", "robust_accuracy"}
_GONE = "the metric that gave it is not installed here"


def compared_measures(
    before: RecordedRun,
    after: RecordedRun,
    metrics: Sequence[MetricBase],
    known: Mapping[str, MeasureInfo],
    *,
    draws: int,
) -> tuple[ComparedMeasure, ...]:
    """Return every measure that both runs have, tested where it can be; Holm's over all tests.

    How an attack went (its cost, its signs) is no claim about a model and is left out.

    Args:
        before: The earlier run.
        after: The later one.
        metrics: Those that measured it, not set up.
        known: What is known of measures, by name.
        draws: Of the bootstrap, for measures that are no mean over samples; 0 leaves these out.

    Raises:
        StorageError: If a table is damaged.
    """
    found: list[ComparedMeasure] = []
    gone = known.keys() - measures_of(metrics).keys()
    for cell in _cells(before, after):
        repeated = _repeated(cell, before, after)
        claims = {
            name: info
            for name in cell.measured[1]
            if name in cell.measured[0] and name not in repeated
            for info in [known.get(name, MeasureInfo())]
            if info.attacked != "fact" or name in _VERDICTS
        }
        found += [_as_gone(one, cell, gone) for one in _compared(cell, claims, metrics, draws)]
    corrected = iter(holm([one.p_value for one in found if one.p_value is not None]))
    return tuple(
        one if one.p_value is None else replace(one, p_corrected=next(corrected)) for one in found
    )


def _cells(before: RecordedRun, after: RecordedRun) -> Iterator[ComparedCell]:
    """Yield each cell that both runs measured, with its rows."""
    earlier = before.steps
    for step in shared_steps(before, after):
        then = {cell_key(one["cell"]): one["measures"] for one in earlier[step["id"]]["cells"]}
        for one in step["cells"]:
            key = cell_key(one["cell"])
            if key in then:
                cell = ComparedCell(step, one["cell"], (then[key], one["measures"]))
                yield _with_rows(cell, before, after)


def _repeated(cell: ComparedCell, before: RecordedRun, after: RecordedRun) -> set[str]:
    """Return what a score or a calibrator measures as the step before it does: it is told there."""
    if cell.step["kind"] != "uncertainty" or len(cell.step["source"]) != 1:
        return set()
    found: set[str] = {*cell.measured[1]}
    for run, measured in zip((before, after), cell.measured, strict=True):
        source = run.steps.get(cell.step["source"][0], {"cells": ()})
        cells = (one for one in source["cells"] if one["cell"].items() <= dict(cell.cell).items())
        behind: Mapping[str, Any] = next((one["measures"] for one in cells), {})
        found &= {name for name in measured if measured[name] == behind.get(name)}
    return found


def _with_rows(cell: ComparedCell, before: RecordedRun, after: RecordedRun) -> ComparedCell:
    by = cell.step["by"]
    own = cell_key({name: value for name, value in cell.cell.items() if name != by})
    tables = [run.table(cell.step["id"]) for run in (before, after)]
    first, second = tables
    if first is None or second is None or not (own in first.cells and own in second.cells):
        return cell
    rows = (first.cell(own), second.cell(own))
    inside = (_inside(rows[0], by, cell.cell), _inside(rows[1], by, cell.cell))
    then, now = common_places(*(each["id"][at] for each, at in zip(rows, inside, strict=True)))
    return replace(
        cell,
        rows=rows,
        classes=(first.classes.get(own, ()), second.classes.get(own, ())),
        inside=inside,
        shared=(inside[0][then], inside[1][now]),
    )


def _inside(rows: StoredRows, by: str | None, cell: Mapping[str, str]) -> Array:
    """Return the places of the rows that are of a cell's group of samples; of all without `by`."""
    if by is None:
        return np.arange(rows.count)
    column = rows.get(grouping_column(by))
    groups = {} if column is None else groups_of(column)
    return np.flatnonzero(groups[cell[by]]) if cell[by] in groups else np.arange(0)


def _compared(
    cell: ComparedCell, claims: Mapping[str, MeasureInfo], metrics: Sequence[MetricBase], draws: int
) -> list[ComparedMeasure]:
    compared = {name: _both(cell, name, info) for name, info in claims.items()}
    why = _why_none(cell)
    same = not why and same_rows(cell.rows[1], cell.rows[0]) if cell.rows else False
    drawn: list[str] = []
    for name, one in compared.items():
        if why:
            compared[name] = replace(one, why=why, cannot=cell.rows is None)
        elif told := otherwise_measured(*(convention_of(m[name]) for m in reversed(cell.measured))):
            compared[name] = replace(one, why=f"measured otherwise: {', '.join(told)}")
        elif same:
            nothing = Measure(0.0, len(cell.shared[0]), 0.0, 0.0, method="the same rows")
            compared[name] = replace(one, difference=nothing.known_as(claims[name]))
        elif (values := _values(cell, name, metrics)) is None:
            drawn.append(name)
        else:
            compared[name] = _tested(one, _paired(cell, one, values))
    for name, found in drawn_changes(cell, drawn, metrics, draws).items():
        cannot = isinstance(found, str) and found.startswith(NO_MEAN)
        compared[name] = replace(_tested(compared[name], found), cannot=cannot)
    return [*compared.values()]


def _as_gone(one: ComparedMeasure, cell: ComparedCell, gone: Collection[str]) -> ComparedMeasure:
    """Say of a measure whose metric is not installed that this is why nothing was tested."""
    if not one.why.startswith(NO_MEAN) or one.name not in gone or cell.step["kind"] == "metric":
        return one
    return replace(one, why=_GONE, cannot=False)


def _both(cell: ComparedCell, name: str, info: MeasureInfo) -> ComparedMeasure:
    """Return what both runs measured, nothing compared yet."""
    before, after = (Measure.from_json(own[name]).known_as(info) for own in cell.measured)
    verdicts = name in _VERDICTS and cell.step["kind"] != "metric"
    return ComparedMeasure(cell.step["id"], cell.cell, name, before, after, verdicts=verdicts)


def _why_none(cell: ComparedCell) -> str:
    """Say why nothing of a cell can be compared image by image; empty where it can."""
    if cell.rows is None:
        return "it keeps no row for each image"
    return "" if len(cell.shared[0]) else "the runs share no image here"


def _tested(one: ComparedMeasure, found: Measure | str) -> ComparedMeasure:
    if isinstance(found, str):
        return replace(one, why=found)
    p_value = found.details.get("p_value")
    why = "" if p_value is not None else "nothing varies over the images, so nothing is tested"
    return replace(one, difference=found.known_as(one.after.info), p_value=p_value, why=why)


def _values(
    cell: ComparedCell, name: str, metrics: Sequence[MetricBase]
) -> tuple[Array, Array] | None:
    """Return what a measure is the mean of, by run, for all rows; None where it is no such mean."""
    found = []
    for rows, classes in zip(cell.rows or (), cell.classes, strict=False):
        if cell.step["kind"] == "metric":
            values = rows.get(name)
        else:
            values = sample_values(metrics, name, rows, classes)
        if values is None:
            return None
        found.append(values)
    return found[0], found[1]


def _paired(cell: ComparedCell, one: ComparedMeasure, values: tuple[Array, Array]) -> Measure | str:
    sides = zip((one.before, one.after), values, cell.inside, strict=True)
    if any(_is_other(measure, own[inside]) for measure, own, inside in sides):
        return OTHER
    then, now = (own[places] for own, places in zip(values, cell.shared, strict=True))
    return paired_change(now, then, cell.groups)


def _is_other(measure: Measure, values: Array) -> bool:
    """Say whether values are not those that a stored mean is the mean of."""
    exact = values.astype(np.float64)
    counted = exact[np.isfinite(exact)]
    if not len(counted):
        return True
    return not is_stored(float(counted.mean()), measure.value)
