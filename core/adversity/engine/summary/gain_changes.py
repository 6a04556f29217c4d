"""What a restoration changed beside accuracy: of the answers, and of the images they are to."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Measure
from adversity.data.sample_columns import GROUP
from adversity.engine.summary.over_seeds import paired_over_seeds
from adversity.engine.summary.sample_values import are_verdicts, sample_values
from adversity.metrics import holm
from adversity.report.values.paired import Change, Gain, word
from adversity.report.words.reading import matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.summary.over_seeds import Paired
    from adversity.engine.summary.restoration_pairs import Pair
    from adversity.pipeline.plan.model import PlannedStep
    from adversity.report.values.model import StepSummary

__all__ = ["Changes", "changes_over", "with_findings"]

Array = np.ndarray[Any, Any]
_TOLD = {"accuracy"}
"""What a gain says itself."""


class Changes:
    """The measures of one pair that both sides have, with the values of their samples.

    Attributes:
        before, after: By name, as they were measured.
        parts: By name, the values of the samples; None where it is no mean over samples.
    """

    def __init__(self, toolbox: Toolbox, steps: Mapping[str, StepSummary], pair: Pair) -> None:
        """Read the values of every measure that says which sign is good.

        Args:
            toolbox: Of a finished run.
            steps: Its steps, with what they measured.
            pair: What is compared.

        Raises:
            StorageError: If a table is damaged.
        """
        self._toolbox = toolbox
        self.before: dict[str, Measure] = {}
        self.after: dict[str, Measure] = {}
        self.parts: dict[str, Paired | None] = {}
        cell = pair.cell.as_dict()
        sides = (pair.before, pair.first), (pair.after, pair.second)
        then, now = (matching(steps[step.id], cell) for step, _ in sides)
        if then is None or now is None:
            return
        for name, measure in now.measures.items():
            if name in then.measures and name not in _TOLD and measure.info.better is not None:
                self.before[name], self.after[name] = then.measures[name], measure
                values = [self._values(step, pair, name, rows) for step, rows in sides]
                self.parts[name] = _paired(values[0], values[1], pair.first)

    def _values(self, step: PlannedStep, pair: Pair, name: str, rows: StoredRows) -> Array | None:
        cell = pair.cell.restrict(step.variables)
        classes = self._toolbox.table(step.id).classes.get(cell.key, ())
        return sample_values(self._toolbox.plan.metrics, name, rows, classes)


def _paired(then: Array | None, now: Array | None, rows: StoredRows) -> Paired | None:
    """Return the values of the samples that count on both sides; None where they tell no mean."""
    if then is None or now is None:
        return None
    verdicts = are_verdicts(then) and are_verdicts(now)
    was, is_ = (values.astype(np.float64) for values in (then, now))
    counted = ~(np.isnan(was) | np.isnan(is_))
    infinite = (np.isinf(was) | np.isinf(is_)) & counted
    # What is infinite on both sides is in neither mean; on one of them, the mean would leap.
    if (was[infinite] != is_[infinite]).any() or not (counted & ~infinite).any():
        return None
    counted &= ~infinite
    groups = rows[GROUP][counted] if GROUP in rows else None
    was, is_ = was[counted], is_[counted]
    if verdicts:
        return is_ == 1, was == 1, rows["id"][counted].astype(str), groups
    return is_, was, rows["id"][counted].astype(str), groups


def changes_over(seeds: Sequence[Changes]) -> tuple[Change, ...]:
    """Return the change of each measure, over several seeds as one.

    Args:
        seeds: The same pair in each seed; one, where there is none.
    """
    return tuple(
        _change(name, seeds) for name in seeds[0].after if all(name in s.after for s in seeds)
    )


def _change(name: str, seeds: Sequence[Changes]) -> Change:
    info = replace(seeds[0].after[name].info, low=-math.inf, high=math.inf, sign=None)
    before, after = (_mean([side[name] for side in sides]) for sides in (
        [each.before for each in seeds], [each.after for each in seeds],
    ))  # fmt: skip
    parts = [each.parts[name] for each in seeds]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        found = paired_over_seeds(known, info.better)
        p_value = found.details.get("p_value")
    else:
        n = min(each.after[name].n for each in seeds)
        found, p_value = Measure(after - before, n, better=info.better), None
    return Change(name, before, after, found.known_as(info), p_value)


def _mean(measures: Sequence[Measure]) -> float:
    return math.fsum(measure.value for measure in measures) / len(measures)


def with_findings(gains: Sequence[Gain]) -> tuple[Gain, ...]:
    """Correct the p-values of each measure for all gains of the report, and say what they find.

    Args:
        gains: All that a reader sees together: one family of tests for each measure.
    """
    corrected = holm([gain.p_value for gain in gains])
    told = [
        replace(gain, p_holm=p, finding=word("accuracy", gain.difference, p))
        for gain, p in zip(gains, corrected, strict=True)
    ]
    names = dict.fromkeys(change.measure for gain in gains for change in gain.changes)
    families = {name: iter(holm([p for _, p in _of(gains, name)])) for name in names}
    return tuple(
        replace(
            gain,
            changes=tuple(
                replace(
                    change,
                    p_holm=(p := next(families[change.measure])),
                    finding=word(change.measure, change.difference, p),
                )
                for change in gain.changes
            ),
        )
        for gain in told
    )


def _of(gains: Sequence[Gain], name: str) -> Iterator[tuple[Change, float | None]]:
    for gain in gains:
        for change in gain.changes:
            if change.measure == name:
                yield change, change.p_value
