"""Ranks of the entries of a board: by paired tests on the same images, ties said to be ties."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.sample_columns import GROUP
from adversity.engine.summary.pairs import convention_of, otherwise_measured, paired_change
from adversity.engine.summary.sample_values import sample_values
from adversity.errors import StorageError
from adversity.metrics import holm
from adversity.report.values.board import Ranked, Ranking
from adversity.report.values.compared import TOLD_APART
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.board import Entry

__all__ = ["MOST", "Samples", "ranking"]

Array = np.ndarray[Any, Any]
MOST = 60
"""Of more entries the pairs of the best ones are tested."""
_NO_MEAN = "no paired test: it is no mean over images"


@dataclass(frozen=True, slots=True)
class _Values:
    """What a measure is the mean of, by id: `[N]` each, sorted by id."""

    ids: Array
    values: Array
    groups: Array | None


class Samples:
    """The values of samples of all runs, each read once."""

    def __init__(
        self, runs: Mapping[str, RecordedRun], metrics: Mapping[str, Sequence[MetricBase]]
    ) -> None:
        """Read nothing yet.

        Args:
            runs: By id.
            metrics: Those that measured each run, not set up.
        """
        self._runs = runs
        self._metrics = metrics
        self._read: dict[tuple[str, str, str, str], _Values | str] = {}

    def of(self, entry: Entry, measure: str) -> _Values | str:
        """Return the values of an entry, or why there are none."""
        key = (entry.run, entry.step, cell_key(entry.cell), measure)
        if key not in self._read:
            self._read[key] = self._values(*key)
        return self._read[key]

    def _values(self, run: str, step: str, cell: str, measure: str) -> _Values | str:
        try:
            return self._stored(run, step, cell, measure)
        except StorageError as error:
            return f"its table is damaged: {error}"

    def _stored(self, run: str, step: str, cell: str, measure: str) -> _Values | str:
        table = self._runs[run].table(step)
        if table is None:
            return f"the table of {step} is gone from run {run}"
        if cell not in table.cells:  # a mean over seeds stands in no table
            return "a mean over seeds is tested within its own report"
        rows = table.cell(cell)
        values = sample_values(self._metrics[run], measure, rows, table.classes.get(cell, ()))
        if values is None:
            return _NO_MEAN
        order = np.argsort(rows["id"].astype(str), kind="stable")
        groups = rows[GROUP][order] if GROUP in rows else None
        return _Values(rows["id"].astype(str)[order], values[order], groups)


def ranking(measure: str, entries: Sequence[Entry], samples: Samples) -> Ranking:
    """Order entries by a measure and give each the ranks that paired tests leave open to it.

    All pairs are tested, with Holm's correction for all of them: so a rank from 1 to 3 says that
    nobody is told apart from it who could push it out of the first three. Those are tested who have
    the same images and measured alike, as most do; why others are not is said.

    Args:
        measure: Its name.
        entries: Of one board.
        samples: What they answered.
    """
    own = [at for at, entry in enumerate(entries) if measure in entry.measures]
    better = entries[own[0]].measures[measure].better
    own.sort(key=lambda at: entries[at].measures[measure].value, reverse=better == "higher")
    whys = _not_comparable(measure, entries, own, samples)
    tested = [at for at in own if at not in whys][:MOST]
    whys |= dict.fromkeys(
        [at for at in own if at not in whys and at not in tested],
        f"not among the {MOST} best values, whose pairs are tested",
    )
    pairs = list(combinations(tested, 2))
    raised = holm([_p_value(samples, entries[a], entries[b], measure) for a, b in pairs])
    apart = {
        pair for pair, p in zip(pairs, raised, strict=True) if p is not None and p < TOLD_APART
    }
    order = tuple(
        Ranked(at, why=whys[at]) if at in whys else _ranked(at, tested, apart) for at in own
    )
    return Ranking(measure, order, len(pairs))


def _not_comparable(
    measure: str, entries: Sequence[Entry], own: Sequence[int], samples: Samples
) -> dict[int, str]:
    """Return why entries are not tested: most others have other samples, or measured otherwise."""
    whys: dict[int, str] = {}
    alike: dict[tuple[str, bytes], list[int]] = {}
    for at in own:
        found = samples.of(entries[at], measure)
        if isinstance(found, str):
            whys[at] = found
            continue
        told = convention_of(entries[at].measures[measure].as_json())
        key = (json.dumps(told, sort_keys=True), "\n".join(found.ids.tolist()).encode())
        alike.setdefault(key, []).append(at)
    if not alike:
        return whys
    chosen = max(alike, key=lambda key: len(alike[key]))
    count = chosen[1].count(b"\n") + 1
    for key, places in alike.items():
        if key != chosen:
            here = key[1].count(b"\n") + 1
            why = (
                f"not comparable: {here:,} samples here, and {count:,} of the others, not the same"
                if key[1] != chosen[1]
                else "not comparable: "
                + ", ".join(otherwise_measured(json.loads(key[0]), json.loads(chosen[0])))
            )
            whys |= dict.fromkeys(places, why)
    return whys


def _ranked(at: int, tested: Sequence[int], apart: set[tuple[int, int]]) -> Ranked:
    """Return the ranks of an entry; the first of a pair has the better value."""
    better = sum(second == at for _, second in apart)
    worse = sum(first == at for first, _ in apart)
    tied = at != tested[0] and (tested[0], at) not in apart
    return Ranked(at, 1 + better, len(tested) - worse, tied)


def _p_value(samples: Samples, one: Entry, other: Entry, measure: str) -> float | None:
    """Return that of a difference; None where nothing varies, or infinite values hide it."""
    first, second = (samples.of(entry, measure) for entry in (one, other))
    if isinstance(first, str) or isinstance(second, str):
        return None
    change = paired_change(first.values, second.values, first.groups)
    return None if isinstance(change, str) else change.details.get("p_value")
