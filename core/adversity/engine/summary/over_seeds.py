"""Means over the seeds of a matrix: seeds are no conditions, but draws of one and the same thing."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.metrics import mean_interval, paired_difference
from adversity.report.values.compared import SEED
from adversity.report.values.model import CellResult
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.contracts import Measure
    from adversity.report.values.compared import Side
    from adversity.report.values.model import StepSummary

__all__ = [
    "Paired",
    "mean_over_seeds",
    "paired_over_seeds",
    "seeds_of",
    "with_means_over_seeds",
    "without",
]

Array = np.ndarray[Any, Any]
Paired = tuple[Array, Array, Array, Array | None]
"""The values `[N]` of two methods on the same samples, the samples' ids, and their groups or None."""


def seeds_of(sides: Mapping[str, Side]) -> set[str]:
    """Return the variables of the matrix that are seeds."""
    return {name for name, side in sides.items() if side == SEED}


def without(seeds: set[str], cell: Mapping[str, str]) -> dict[str, str]:
    """Return a cell without its seeds."""
    return {name: value for name, value in cell.items() if name not in seeds}


def with_means_over_seeds(
    steps: Iterable[StepSummary], sides: Mapping[str, Side]
) -> tuple[StepSummary, ...]:
    """Add the means over seeds to each step whose cells differ in them.

    The interval is Student's over the seeds: it speaks of other seeds that could have been drawn,
    on these samples. `details` holds `seeds`, their number, and `spread`, the sample standard
    deviation. n stays the number of samples: of one seed, the fewest if they differ. A measure that
    some seed has not is left out.

    Args:
        steps: With measures and what is known of them.
        sides: What each variable of the matrix is.
    """
    seeds = seeds_of(sides)
    return tuple(
        replace(step, over_seeds=_folded(step.cells, seeds))
        if any(seeds & {*cell.cell} for cell in step.cells)
        else step
        for step in steps
    )


def _folded(cells: Sequence[CellResult], seeds: set[str]) -> tuple[CellResult, ...]:
    groups: dict[str, list[CellResult]] = {}
    for cell in cells:
        groups.setdefault(cell_key(without(seeds, cell.cell)), []).append(cell)
    return tuple(_mean(group, seeds) for group in groups.values())


def _mean(group: Sequence[CellResult], seeds: set[str]) -> CellResult:
    first = group[0]
    shared = [name for name in first.measures if all(name in cell.measures for cell in group)]
    means = {name: mean_over_seeds([cell.measures[name] for cell in group]) for name in shared}
    return CellResult(
        cell=without(seeds, first.cell),
        n=min(cell.n for cell in group),
        measures={name: mean for name, mean in means.items() if mean is not None},
        notes=tuple(dict.fromkeys(note for cell in group for note in cell.notes)),
        parameters={
            name: value
            for name, value in first.parameters.items()
            if all(cell.parameters.get(name) == value for cell in group)
        },
    )


def mean_over_seeds(measures: Sequence[Measure]) -> Measure | None:
    """Return the mean over seeds; an infinite one has no interval, and of both infinities is none.

    What is the same in every seed, interval and all, as the PSNR of images that no seed changes, keeps
    its interval: over seeds without spread there would be none.

    Args:
        measures: One for each seed, at least one.
    """
    first, count = measures[0], len(measures)
    if count == 1:
        return first
    values = [measure.value for measure in measures]
    bound = {"bound": first.details["bound"]} if "bound" in first.details else {}
    said = {"over": f"{count} seeds", "interval": "speaks of other seeds, not of other samples"}
    mean = replace(
        first,
        n=min(measure.n for measure in measures),
        low=None,
        high=None,
        method=None,
        convention={**first.convention, **said},
        details={"seeds": count, **bound},
    )
    if len({(one.value, one.low, one.high, one.n) for one in measures}) == 1:
        same = {"over": f"{count} seeds, the same in each"}
        details = {**mean.details, **({"spread": 0.0} if math.isfinite(first.value) else {})}
        convention = {**first.convention, **same}
        return replace(first, convention=convention, details=details)
    infinite = {value for value in values if not math.isfinite(value)}
    if infinite:
        return replace(mean, value=infinite.pop()) if len(infinite) == 1 else None
    found = mean_interval(values, level=first.level, within=(first.info.low, first.info.high))
    return replace(
        mean,
        value=found.value,
        low=found.low,
        high=found.high,
        method=found.method and f"{found.method} over {count} seeds",
        details={**mean.details, "spread": stdev(values)},
    )


def paired_over_seeds(parts: Sequence[Paired], better: str | None) -> Measure:
    """Return first minus second; over several seeds, with one sample's rows as one cluster.

    So the seeds are taken as given, and the samples as drawn.

    Args:
        parts: One for each seed.
        better: Which sign is good.

    Returns:
        The difference; `n` counts samples, however many seeds there are.
    """
    ours, theirs, ids = (np.concatenate([part[at] for part in parts]) for at in range(3))
    given = [part[3] for part in parts if part[3] is not None]
    groups = np.concatenate(given) if len(given) == len(parts) else None
    if len(parts) > 1:
        groups = ids if groups is None else np.where(_nameless(groups), ids, groups)
    difference = paired_difference(ours, theirs, groups=groups, better=better)
    return replace(difference, n=len({*ids.tolist()}))


def _nameless(groups: Array) -> Array:
    return np.array([name is None for name in groups.tolist()])
