"""What each restoration gave and took: paired by sample, cell by cell, and over seeds."""

from __future__ import annotations

from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.summary.over_seeds import (
    mean_over_seeds,
    paired_over_seeds,
    seeds_of,
    without,
)
from adversity.metrics import absolute_errors, paired_difference, rmse_gain
from adversity.pipeline.plan.apart import is_judged
from adversity.report.values.model import ErrorGain, Gain
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.over_seeds import Paired
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.compared import Side

__all__ = ["all_gains"]

_Pair = tuple["PlannedStep", "PlannedStep", "Cell", "StoredRows", "StoredRows"]
"""Steps before and after, a cell, and the rows of both: the same samples."""


def all_gains(toolbox: Toolbox, sides: Mapping[str, Side]) -> dict[str, Any]:
    """Compare what each restoration leads to with what the same classifier or regressor said before.

    Over seeds, a gain of accuracy is over all pairs of a seed, with one sample in several of them as
    one cluster, as where methods are compared: the seeds are taken as given, the samples as drawn.
    A gain in RMSE, which is no mean over samples, is the mean of those of the seeds, and its interval
    speaks of other seeds. `details` has `seeds` and `spread`, the standard deviation over them, and
    answers are counted in all seeds together.

    Args:
        toolbox: Of a finished run.
        sides: What each variable of the matrix is.

    Returns:
        The fields of a report: `gains`, `error_gains`, each cell by itself, and
        `gains_over_seeds`, `error_gains_over_seeds`, empty where no cell has a seed.
    """
    seeds = seeds_of(sides)
    gains, parts = [], []
    for pair in _pairs(toolbox, "predict"):
        answers = _answers(*pair[3:])
        if answers is not None:
            gains.append(_gain(*pair[:3], answers))
            parts.append(answers if seeds & {*gains[-1].cell} else None)
    errors = [gain for pair in _pairs(toolbox, "regress") if (gain := _error_gain(*pair))]
    means = (_mean_of_errors([errors[at] for at in each], seeds) for each in _alike(errors, seeds))
    return {
        "gains": tuple(gains),
        "error_gains": tuple(errors),
        "gains_over_seeds": tuple(
            _of_seeds([gains[at] for at in places], [parts[at] for at in places], seeds)
            for places in _alike(gains, seeds)
        ),
        "error_gains_over_seeds": tuple(mean for mean in means if mean is not None),
    }


def _alike(found: Sequence[Gain | ErrorGain], seeds: set[str]) -> Iterable[list[int]]:
    """Return the places of gains that differ in seeds alone; nothing where none has a seed."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for at, gain in enumerate(found):
        place = (gain.before, gain.after, cell_key(without(seeds, gain.cell)))
        groups.setdefault(place, []).append(at)
    return groups.values() if any(seeds & {*gain.cell} for gain in found) else ()


def _of_seeds(alike: Sequence[Gain], parts: Sequence[Paired | None], seeds: set[str]) -> Gain:
    first = replace(alike[0], cell=without(seeds, alike[0].cell))
    if len(alike) == 1:
        return first
    difference = paired_over_seeds([part for part in parts if part is not None], "higher")
    spread = stdev(gain.difference.value for gain in alike)
    details = {**difference.details, "seeds": len(alike), "spread": spread}
    return replace(
        first,
        difference=replace(difference, details=details),
        recovered=sum(gain.recovered for gain in alike),
        broken=sum(gain.broken for gain in alike),
        p_value=details["p_value"],
    )


def _mean_of_errors(alike: Sequence[ErrorGain], seeds: set[str]) -> ErrorGain | None:
    mean = mean_over_seeds([gain.difference for gain in alike])
    if mean is None:
        return None
    return replace(
        alike[0],
        cell=without(seeds, alike[0].cell),
        difference=mean,
        nearer=sum(gain.nearer for gain in alike),
        further=sum(gain.further for gain in alike),
    )


def _pairs(toolbox: Toolbox, role: str) -> Iterator[_Pair]:
    """Go through the steps of a role behind a restoration, each with its like before that."""
    steps = toolbox.plan.steps
    judged = [each for each in steps.values() if each.role == role and is_judged(each, steps)]
    for after in judged:
        restoration = steps.get(after.upstream)
        if restoration is None or restoration.entry.kind != "restoration":
            continue
        for before in judged:
            same = (before.definition, before.options) == (after.definition, after.options)
            if same and before.upstream == restoration.upstream:
                yield from _cells(toolbox, before, after)


def _cells(toolbox: Toolbox, before: PlannedStep, after: PlannedStep) -> Iterator[_Pair]:
    for cell in after.cells:
        first, second = (stored_rows(toolbox, step.id, cell) for step in (before, after))
        if np.array_equal(first["id"], second["id"]):
            yield before, after, cell, first, second


def _answers(first: StoredRows, second: StoredRows) -> Paired | None:
    """Return right or wrong with and without a restoration, of the samples that have a class."""
    if "correct" not in first:
        return None
    known = has_class(first["target"])
    if not known.any():
        return None
    was, now = (rows["correct"].astype(bool)[known] for rows in (first, second))
    groups = first[GROUP][known] if GROUP in first else None
    return now, was, first["id"][known].astype(str), groups


def _gain(before: PlannedStep, after: PlannedStep, cell: Cell, answers: Paired) -> Gain:
    now, was, _, groups = answers
    difference = paired_difference(now, was, groups=groups, better="higher")
    return Gain(
        after.upstream,
        before.id,
        after.id,
        cell.as_dict(),
        difference,
        int((now & ~was).sum()),
        int((was & ~now).sum()),
        difference.details.get("p_value"),
    )


def _error_gain(
    before: PlannedStep, after: PlannedStep, cell: Cell, first: StoredRows, second: StoredRows
) -> ErrorGain | None:
    known = has_class(first["target"]) if "target" in first else np.zeros(0, np.bool_)
    if not known.any():
        return None
    target, was, now = (
        column[known] for column in (first["target"], first["mean"], second["mean"])
    )
    groups = first[GROUP][known] if GROUP in first else None
    further = absolute_errors(now, target) - absolute_errors(was, target)
    return ErrorGain(
        after.upstream,
        before.id,
        after.id,
        cell.as_dict(),
        rmse_gain(now, was, target, groups=groups),
        int((further < 0).sum()),
        int((further > 0).sum()),
    )
