"""What a metric promises that compares two tables: of the same samples, or of any others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import MeasureInfo
from adversity.testing.bench.bench import Case
from adversity.testing.bench.checks import Failed, NotApplicable, check, require
from adversity.testing.inputs.tables import table
from adversity.testing.kinds.metric.again import require_same, row_order, stored
from adversity.testing.kinds.metric.declared import in_range, pairs, plots, produces, words
from adversity.testing.kinds.metric.table_metric import (
    MetricBench,
    measures_are_json,
    n_is_right,
    value_in_interval,
    wants_is_complete,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Measure
    from adversity.engine.calls.ready import Ready

__all__ = ["TwoTablesBench"]

_SECOND = "second table's "
"""Before the columns of the second table. They stand in the rows of a case beside the first's, so
that every check that takes rows takes those of both."""
_THERE, _SAME_ID = "row of the second table", "same id"


@check(
    "A table against itself: as good as can be for the same samples, whatever the ids for others."
)
def against_itself(bench: TwoTablesBench) -> str:
    """Compare each table with a copy of itself.

    The same samples cannot agree better with anything else. Where any tables are compared, ids
    that both have mean nothing: the copy has the same number under ids of its own.
    """
    summary = {}
    for case in bench.measured:
        itself = bench.measures(bench.ready, bench.against_copy(case, same_ids=bench.same_samples))
        if not bench.same_samples:
            known = bench.measures(bench.ready, bench.against_copy(case, same_ids=True))
            require_same(itself, known, f"against a copy of {case.name} with the same ids", 0.0)
        for name, measure in bench.measures(bench.ready, case).items():
            if bench.same_samples and name in itself:
                bench.require_as_good(name, itself[name].value, measure.value)
            if name in itself:
                summary[name] = f"{name} is {itself[name].value:.4g} against itself"
    if not summary:
        raise NotApplicable("it gives no measure of a table against itself")
    return ", ".join(summary.values())


@check("The second table counts: against another one the number is another.")
def second_counts(bench: TwoTablesBench) -> str:
    """Compare the first table of a case with two others."""
    for case in bench.measured:
        first = bench.measures(bench.ready, case)
        second = bench.measures(bench.ready, bench.against_another(case))
        for name in first.keys() & second.keys():
            if first[name].value != second[name].value:
                return f"{name} is {first[name].value:.4g} and {second[name].value:.4g}"
    raise Failed("expected a measure that changes with the second table, got none")


class TwoTablesBench(MetricBench):
    """Feed a metric with two tables: other answers to the same samples, or other samples."""

    checks = (
        produces,
        in_range,
        words,
        value_in_interval,
        pairs,
        plots,
        n_is_right,
        row_order,
        stored,
        wants_is_complete,
        against_itself,
        second_counts,
        measures_are_json,
    )

    @property
    def same_samples(self) -> bool:
        """Whether the two tables are of the same samples."""
        return bool(self.cls.compares == "samples")  # type: ignore[attr-defined]

    def cases(self) -> Sequence[Case]:
        """Return pairs of tables of several lengths and numbers of classes."""
        return [self._with_second(case, draw=1) for case in super().cases()]

    def against_another(self, case: Case) -> Case:
        """Return the first table of a case beside another second one."""
        return self._with_second(_first(case), draw=2)

    def against_copy(self, case: Case, *, same_ids: bool) -> Case:
        """Return the first table of a case beside itself."""
        import torch

        first = _first(case)
        return _beside(first, first, torch.ones(len(case), dtype=torch.bool), same_ids=same_ids)

    def _with_second(self, case: Case, *, draw: int) -> Case:
        """Return a table and a second one; of other samples it has two thirds as many rows."""
        import torch

        wants = self.cls.wants  # type: ignore[attr-defined]
        form: Any = "probs" if "probs" in case.rows else "logits"
        other = table(len(case), case.rows[form].shape[1], wants=wants, answer=form, draw=draw)
        there = torch.arange(len(case)) % 3 != 2
        same = self.same_samples
        return _beside(case, other, there | same, same_ids=same)

    def require_as_good(self, name: str, itself: float, other: float) -> None:
        """Refuse a measure that is better against another table than against the same one.

        A difference, 0 of a table from itself and bounded nowhere, may be better or worse.
        """
        info = self.declared.get(name, MeasureInfo())
        better = None if itself == 0 and not info.bounded else info.better
        require(
            better is None or (itself >= other if better == "higher" else itself <= other),
            f"expected {name} of a table against itself to be as good as against any other, got "
            f"{itself:.6g} against {other:.6g}, and {better} is better",
        )

    def samples(self, case: Case) -> int:
        """Return the rows of the table, and those of other samples in the second one."""
        return len(case) if self.same_samples else len(case) + int(case.rows[_THERE].sum())

    def reduced(self, case: Case, names: Collection[str]) -> Case:
        """Return a case with some of the columns in both tables."""
        both = {*names, *(_SECOND + name for name in names), _THERE, _SAME_ID}
        less = super().reduced(case, both)
        return replace(less, name=f"{case.name} with {', '.join(names)} alone")

    def pairs(self, case: Case) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return what the metric says that its measures are the means of, pair by pair."""
        if not self.same_samples:
            return {}
        first, second = self._tables(self.columns(case))
        pairs: Mapping[str, np.ndarray[Any, Any]]
        pairs = self.ready.plugin.per_pair(self.given(case, first), self.given(case, second))
        return pairs

    def columns(self, case: Case) -> dict[str, np.ndarray[Any, Any]]:
        """Return the columns of both tables, each with its ids."""
        columns = super().columns(case)
        same = columns.pop(_SAME_ID)
        pairs = zip(case.ids, same, strict=True)
        ids = [own if alike else f"other/{own}" for own, alike in pairs]
        return columns | {f"{_SECOND}id": np.array(ids, dtype=object)}

    def computed(
        self, ready: Ready, columns: Mapping[str, np.ndarray[Any, Any]], case: Case
    ) -> dict[str, Measure]:
        """Compute with both tables."""
        first, second = (self.given(case, one) for one in self._tables(columns))
        measures: dict[str, Measure] = ready.call(first, second)
        return measures

    def _tables(
        self, columns: Mapping[str, np.ndarray[Any, Any]]
    ) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]:
        """Return the columns of each table; the second one's rows where it has them."""
        first, second = {}, {}
        there = np.asarray(columns[_THERE])
        for name, values in columns.items():
            if name.startswith(_SECOND):
                second[name.removeprefix(_SECOND)] = values if there.all() else values[there]
            elif name != _THERE:
                first[name] = values
        return first, second


def _beside(first: Case, second: Case, there: Tensor, *, same_ids: bool) -> Case:
    """Return two tables as one case.

    Args:
        first: With as many rows.
        second: As the first.
        there: `[N]` booleans, the rows that the second table has.
        same_ids: Whether its ids are the first's.
    """
    import torch

    rows = {
        **first.rows,
        **{f"{_SECOND}{name}": values for name, values in second.rows.items()},
        _THERE: there,
        _SAME_ID: torch.full((len(first),), same_ids),
    }
    return Case(first.name, rows, first.ids)


def _first(case: Case) -> Case:
    """Return the first table of a case."""
    rows = {
        name: values
        for name, values in case.rows.items()
        if not name.startswith(_SECOND) and name not in (_THERE, _SAME_ID)
    }
    return Case(case.name, rows, case.ids)
