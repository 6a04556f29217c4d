"""What is no mean over images (ECE, AUROC) compared between two runs: the same draws for both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Metric, Table
from adversity.data.sample_columns import GROUP
from adversity.engine.calls.judged_rows import judged_tables
from adversity.engine.calls.ready import BREAKS
from adversity.metrics import paired_bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts import Measure, MetricBase
    from adversity.data.stored import StoredRows

__all__ = ["NO_MEAN", "OTHER", "ComparedCell", "drawn_changes", "is_stored"]

Array = np.ndarray[Any, Any]
OTHER = "the metric that is installed gives another value than a run stored"
NO_MEAN = "it is no mean over images"
_ROUNDING = 1e-9
"""How far, relative, a value that is computed again may be from the one that a run stored."""


def is_stored(value: float, stored: float) -> bool:
    """Say whether a value that was computed again is the one that a run stored."""
    return math.isclose(value, stored, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """One cell of a step in both runs.

    Attributes:
        step: The step, as the later run says it.
        cell: Its values.
        measured: By run, what was measured: name to JSON.
        rows: By run, its rows; None where a run has no table, or none of the cell.
        classes: By run, the classes that they index.
        inside: By run, the places of the rows that count: all, or those of its group of samples.
        shared: By run, the places of the rows that both have.
    """

    step: Mapping[str, Any]
    cell: Mapping[str, str]
    measured: tuple[Mapping[str, Any], Mapping[str, Any]]
    rows: tuple[StoredRows, StoredRows] | None = None
    classes: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    inside: tuple[Array, Array] = (np.arange(0), np.arange(0))
    shared: tuple[Array, Array] = (np.arange(0), np.arange(0))

    @property
    def groups(self) -> Array | None:
        """`[N]` names of the groups that the shared samples come in, or None."""
        if self.rows is None or GROUP not in self.rows[1]:
            return None
        return self.rows[1][GROUP][self.shared[1]]


def drawn_changes(
    cell: ComparedCell, names: Sequence[str], metrics: Sequence[MetricBase], draws: int
) -> dict[str, Measure | str]:
    """Compare what is no mean over samples by drawing images."""
    left: dict[str, Measure | str] = {}
    for name in names:
        left[name] = NO_MEAN + ("" if draws else ", and nothing was drawn")
    if cell.rows is None or cell.step["kind"] == "metric" or not draws:
        return left
    sides = [_Side(rows, places) for rows, places in zip(cell.rows, cell.shared, strict=True)]
    for metric in metrics:
        wanted = [name for name in names if name in metric.declared() and name in left]
        if not wanted or not isinstance(metric, Metric) or metric.compares != "nothing":
            continue
        tables = [Table(rows, of) for rows, of in zip(cell.rows, cell.classes, strict=True)]
        if all(map(metric.takes, tables)):
            left |= _bootstrapped(cell, metric, wanted, sides, draws)
    return left


def _bootstrapped(
    cell: ComparedCell, metric: Metric, names: Sequence[str], sides: Sequence[_Side], draws: int
) -> dict[str, Measure | str]:
    """Return the differences of a metric's measures over draws of the shared images."""
    for rows, classes, measured in zip(cell.rows or (), cell.classes, cell.measured, strict=False):
        whole = _Side(rows, np.arange(rows.count))
        own = _computed(metric, whole, classes, np.arange(rows.count))
        for name in names:
            if name not in own or not is_stored(own[name], float(measured[name]["value"])):
                return dict.fromkeys(names, OTHER)

    def difference(places: Array) -> dict[str, float]:
        then, now = (
            _computed(metric, side, classes, places)
            for side, classes in zip(sides, cell.classes, strict=True)
        )
        return {name: now[name] - then[name] for name in names if name in now and name in then}

    found = paired_bootstrap(difference, len(cell.shared[0]), groups=cell.groups, draws=draws)
    lost = "it cannot be had of the shared images alone"
    return {name: found.get(name, lost) for name in names}


def _computed(
    metric: Metric, side: _Side, classes: tuple[str, ...], places: Array
) -> dict[str, float]:
    """Return what a metric says of some rows; nothing where it can say nothing of them."""
    [given] = judged_tables(metric, Table(_At(side, places), classes), None)
    if not len(given):
        return {}
    try:
        return {name: measure.value for name, measure in metric.compute(given).items()}
    except BREAKS:
        return {}


class _Side:
    """The shared rows of one run; a column is read once and kept."""

    def __init__(self, rows: StoredRows, places: Array) -> None:
        self.rows, self._places = rows, places
        self._kept: dict[str, Array] = {}

    def column(self, name: str) -> Array:
        """Return a column of the shared rows."""
        if name not in self._kept:
            self._kept |= self.rows.at(self._places, [name])
        return self._kept[name]


class _At(Mapping[str, Array]):
    """The shared rows of one run at some places, which may stand several times."""

    def __init__(self, side: _Side, places: Array) -> None:
        self._side, self._at = side, places

    def __getitem__(self, name: str) -> Array:
        """Return the rows of a column."""
        if name not in self._side.rows:
            raise KeyError(name)
        return self._side.column(name)[self._at]

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a column; nothing is read."""
        return name in self._side.rows

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the columns."""
        return iter(self._side.rows)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._side.rows)
