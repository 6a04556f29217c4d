"""What each restoration gave and took: paired by sample, cell by cell, and over seeds."""

from __future__ import annotations

from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.summary.gain_changes import Changes, changes_over, with_findings
from adversity.engine.summary.over_seeds import (
    mean_over_seeds,
    paired_over_seeds,
    seeds_of,
    without,
)
from adversity.engine.summary.restoration_pairs import restoration_pairs
from adversity.metrics import absolute_errors, paired_difference, rmse_gain
from adversity.report.values.model import ErrorGain, Gain
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.over_seeds import Paired
    from adversity.engine.summary.restoration_pairs import Pair
    from adversity.report.values.compared import Side
    from adversity.report.values.model import StepSummary

__all__ = ["all_gains"]


def all_gains(
    toolbox: Toolbox, steps: Iterable[StepSummary], sides: Mapping[str, Side]
) -> dict[str, Any]:
    """Compare what each restoration leads to with what the same classifier or regressor said before.

    Over seeds, a gain of accuracy is over all pairs of a seed, with one sample in several of them as
    one cluster, as where methods are compared: the seeds are taken as given, the samples as drawn.
    A gain in RMSE, which is no mean over samples, is the mean of those of the seeds, and its interval
    speaks of other seeds. `details` has `seeds` and `spread`, the standard deviation over them, and
    answers are counted in all seeds together. What every other measure changed by stands with a
    gain of accuracy. Each measure's p-values are corrected for all gains that are shown together.

    Args:
        toolbox: Of a finished run.
        steps: Its steps, with what they measured.
        sides: What each variable of the matrix is.

    Returns:
        The fields of a report: `gains`, `error_gains`, each cell by itself, and
        `gains_over_seeds`, `error_gains_over_seeds`, empty where no cell has a seed.
    """
    seeds, summaries = seeds_of(sides), {step.id: step for step in steps}
    gains, parts = [], []
    for pair in restoration_pairs(toolbox, "predict"):
        answers = _answers(pair.first, pair.second)
        if answers is not None:
            changes = Changes(toolbox, summaries, pair)
            gains.append(_gain(pair, answers, changes))
            parts.append((answers, changes) if seeds & {*gains[-1].cell} else None)
    errors = [gain for pair in restoration_pairs(toolbox, "regress") if (gain := _error_gain(pair))]
    means = (_mean_of_errors([errors[at] for at in each], seeds) for each in _alike(errors, seeds))
    over = [
        _of_seeds([gains[at] for at in places], [parts[at] for at in places], seeds)
        for places in _alike(gains, seeds)
    ]
    return {
        "gains": with_findings(gains),
        "error_gains": tuple(errors),
        "gains_over_seeds": with_findings(over),
        "error_gains_over_seeds": tuple(mean for mean in means if mean is not None),
    }


def _alike(found: Sequence[Gain | ErrorGain], seeds: set[str]) -> Iterable[list[int]]:
    """Return the places of gains that differ in seeds alone; nothing where none has a seed."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for at, gain in enumerate(found):
        place = (gain.before, gain.after, cell_key(without(seeds, gain.cell)))
        groups.setdefault(place, []).append(at)
    return groups.values() if any(seeds & {*gain.cell} for gain in found) else ()


def _of_seeds(
    alike: Sequence[Gain], parts: Sequence[tuple[Paired, Changes] | None], seeds: set[str]
) -> Gain:
    first = replace(alike[0], cell=without(seeds, alike[0].cell))
    if len(alike) == 1:
        return first
    known = [part for part in parts if part is not None]
    difference = paired_over_seeds([answers for answers, _ in known], "higher")
    spread = stdev(gain.difference.value for gain in alike)
    details = {**difference.details, "seeds": len(alike), "spread": spread}
    return replace(
        first,
        difference=replace(difference, details=details),
        recovered=sum(gain.recovered for gain in alike),
        broken=sum(gain.broken for gain in alike),
        p_value=details["p_value"],
        changes=changes_over([changes for _, changes in known]),
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


def _gain(pair: Pair, answers: Paired, changes: Changes) -> Gain:
    now, was, _, groups = answers
    difference = paired_difference(now, was, groups=groups, better="higher")
    return Gain(
        pair.restoration.id,
        pair.before.id,
        pair.after.id,
        pair.cell.as_dict(),
        difference,
        int((now & ~was).sum()),
        int((was & ~now).sum()),
        difference.details.get("p_value"),
        protocol=pair.protocol,
        changes=changes_over([changes]),
    )


def _error_gain(pair: Pair) -> ErrorGain | None:
    first, second = pair.first, pair.second
    known = has_class(first["target"]) if "target" in first else np.zeros(0, np.bool_)
    if not known.any():
        return None
    target, was, now = (
        column[known] for column in (first["target"], first["mean"], second["mean"])
    )
    groups = first[GROUP][known] if GROUP in first else None
    further = absolute_errors(now, target) - absolute_errors(was, target)
    return ErrorGain(
        pair.restoration.id,
        pair.before.id,
        pair.after.id,
        pair.cell.as_dict(),
        rmse_gain(now, was, target, groups=groups),
        int((further < 0).sum()),
        int((further > 0).sum()),
    )
