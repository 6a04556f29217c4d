"""Methods against each other: paired differences of their measures, with Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.over_seeds import paired_over_seeds, seeds_of, without
from adversity.engine.summary.sample_values import are_verdicts, sample_values
from adversity.metrics import holm
from adversity.report.tables.figures import Figure, figures
from adversity.report.values.apart import judged_steps
from adversity.report.values.compared import Compared, Comparison
from adversity.report.words.wording import measure_name, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from adversity.contracts import Measure, MeasureInfo
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell
    from adversity.report.values.compared import Side
    from adversity.report.values.model import GateResult, StepSummary

__all__ = ["compared_methods"]

Array = np.ndarray[Any, Any]
MOST = 3_000
"""More pairs of one measure than this are not compared: the report says so."""


def compared_methods(
    toolbox: Toolbox,
    steps: Sequence[StepSummary],
    sides: Mapping[str, Side],
    gates: Iterable[GateResult] = (),
) -> Compared:
    """Compare each two methods that are tested under the same condition, for each headline measure.

    Samples are joined by id. A measure that is no mean over samples (ECE) is not compared. Where a
    method was run with several seeds, the pairs of cells with the same seed are taken together, and
    one sample in several of them is one cluster: the seeds are taken as given, the samples as drawn.

    Args:
        toolbox: Of a finished run.
        steps: With methods and means over seeds.
        sides: What each variable of the matrix is.
        gates: Steps that they name are compared as well.

    Raises:
        StorageError: If a table is missing or damaged.
    """
    found = _Methods(toolbox, sides)
    by_measure: dict[str, list[Figure]] = {}
    for figure in figures(judged_steps(steps, gates), sides):
        if figure.mean.info.headline:
            by_measure.setdefault(figure.measure, []).append(figure)
    pairs: list[Comparison] = []
    left_out: list[str] = []
    for name, own in by_measure.items():
        of_one = [pair for pair in combinations(own, 2) if _same_condition(*pair)]
        if len(of_one) > MOST:
            left_out.append(
                f"{measure_name(name, own[0].mean)}: {plural(len(of_one), 'pair')} of methods and "
                f"conditions are more than {MOST:,} and were not compared."
            )
            continue
        told = [*_corrected(found.compare(*pair) for pair in of_one)]
        pairs += told
        if len(told) < len(of_one):
            left_out.append(
                f"{measure_name(name, own[0].mean)}: {len(of_one) - len(told):,} of "
                f"{plural(len(of_one), 'pair')} of methods and conditions, since it is no mean over "
                "samples, or one of them is infinite."
            )
    return Compared(tuple(pairs), tuple(left_out))


def _same_condition(first: Figure, second: Figure) -> bool:
    return first.condition == second.condition and first.method != second.method


def _corrected(pairs: Iterable[Comparison | None]) -> Iterator[Comparison]:
    """Give each comparison of one measure its p-value after the correction for all of them."""
    found = [pair for pair in pairs if pair is not None]
    for pair, p_value in zip(found, holm([pair.p_value for pair in found]), strict=True):
        yield replace(pair, holm=p_value)


@dataclass(frozen=True, slots=True)
class _Values:
    """What a measure is the mean of, in one cell: ids, values `[N]`, groups or None."""

    ids: Array
    values: Array
    groups: Array | None

    def with_other(self, other: _Values) -> tuple[Array, Array, Array, Array | None]:
        """Return both values, ids and groups of the samples that count here and there."""
        ids, first, second = np.intersect1d(self.ids, other.ids, return_indices=True)
        ours, theirs = self.values[first], other.values[second]
        if are_verdicts(self.values) and are_verdicts(other.values):
            counted = ~(np.isnan(ours.astype(float)) | np.isnan(theirs.astype(float)))
            ours, theirs = ours == 1, theirs == 1
        else:
            ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
            counted = ~(np.isnan(ours) | np.isnan(theirs))
        groups = None if self.groups is None else self.groups[first][counted]
        return ours[counted], theirs[counted], ids[counted], groups


class _Methods:
    """Compares figures; the values of samples are read once for each cell and measure."""

    def __init__(self, toolbox: Toolbox, sides: Mapping[str, Side]) -> None:
        self._toolbox = toolbox
        self._seeds = seeds_of(sides)
        self._read: dict[tuple[str, str, str], _Values | None] = {}

    def compare(self, first: Figure, second: Figure) -> Comparison | None:
        """Return the difference of two figures; None where samples do not tell it."""
        parts = []
        for one, other in self._cells(first, second):
            a, b = self._values(first, one), self._values(second, other)
            if a is None or b is None:
                return None
            parts.append(a.with_other(b))
        if not parts or not all(len(ids) for _, _, ids, _ in parts):
            return None
        if not all(np.isfinite(x).all() for ours, theirs, _, _ in parts for x in (ours, theirs)):
            return None
        difference = paired_over_seeds(parts, first.mean.better)
        return Comparison(
            measure=first.measure,
            first=first.step,
            second=second.step,
            first_cell=first.cell,
            second_cell=second.cell,
            difference=difference.known_as(_of_a_difference(first.mean)),
            seeds=len(parts),
            p_value=difference.details.get("p_value"),
        )

    def _cells(self, first: Figure, second: Figure) -> Iterator[tuple[Cell, Cell]]:
        """Yield the cells of both that agree in every seed that both have."""
        for one in self._of(first):
            for other in self._of(second):
                ours, theirs = one.as_dict(), other.as_dict()
                shared = self._seeds & {*ours} & {*theirs}
                if all(ours[name] == theirs[name] for name in shared):
                    yield one, other

    def _of(self, figure: Figure) -> list[Cell]:
        """Return the cells of the plan that are a figure's seeds."""
        return [
            cell
            for cell in self._toolbox.plan.steps[figure.step].cells
            if without(self._seeds, cell.as_dict()) == dict(figure.cell)
        ]

    def _values(self, figure: Figure, cell: Cell) -> _Values | None:
        key = (figure.step, cell.key, figure.measure)
        if key not in self._read:
            plan = self._toolbox.plan
            rows = stored_rows(self._toolbox, figure.step, cell)
            classes = self._toolbox.table(figure.step).classes.get(cell.key, ())
            values = sample_values(plan.metrics, figure.measure, rows, classes)
            groups = rows.get(GROUP)
            ids = rows["id"].astype(str)
            self._read[key] = None if values is None else _Values(ids, values, groups)
        return self._read[key]


def _of_a_difference(measure: Measure) -> MeasureInfo:
    """Return what is known of a difference: the words of the measure, and no range."""
    return replace(measure.info, low=-math.inf, high=math.inf, sign=None)
