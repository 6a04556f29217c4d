"""Numbers and rows as a run left them, and as they were computed once more: equal to the last bit?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.report.words.wording import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from adversity.contracts import Measure

__all__ = ["CLOSE", "Rows", "compare_rows", "rows_words", "same_number", "together"]

CLOSE = 1e-5
"""What is promised on another type of processor: so much of the largest value of a column."""
_NAMED = 3
"""So many samples are named that differ."""
_VERDICTS = ("prediction", "accept", "fooled", "look_sure", "look_unsure")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a cell, compared by the ids of their samples.

    Attributes:
        count: Rows that both have.
        differ: The ids of those that differ in any bit, in their order.
        columns: The columns that they differ in.
        largest: The largest difference of a number, as a share of the largest value of its column;
            infinite where a column has another shape, or one of two numbers is none.
        flipped: The ids of those whose verdict is another.
        only: Ids that one of the two has alone.
    """

    count: int = 0
    differ: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    largest: float = 0.0
    flipped: tuple[str, ...] = ()
    only: tuple[str, ...] = field(default=())

    @property
    def equal(self) -> bool:
        """Whether all are equal to the last bit."""
        return not self.differ and not self.only and not self.columns

    @property
    def close(self) -> bool:
        """Whether they are as near as is promised on another type of processor."""
        return not self.only and self.largest <= CLOSE


def together(parts: Iterable[Rows]) -> Rows:
    """Return the rows of several cells as one."""
    parts = tuple(parts)
    return Rows(
        sum(part.count for part in parts),
        tuple(sample for part in parts for sample in part.differ),
        tuple(dict.fromkeys(name for part in parts for name in part.columns)),
        max((part.largest for part in parts), default=0.0),
        tuple(sample for part in parts for sample in part.flipped),
        tuple(sample for part in parts for sample in part.only),
    )


def compare_rows(
    then: Mapping[str, Array], now: Mapping[str, Array], without: Collection[str] = ()
) -> Rows:
    """Compare two tables of a cell.

    Args:
        then: As the run left it, with `id`.
        now: As it was computed once more.
        without: Columns that are left out: what says which cell it is.
    """
    places = {str(sample): at for at, sample in enumerate(now["id"])}
    ids = [str(sample) for sample in then["id"]]
    both = [sample for sample in ids if sample in places]
    only = sorted(set(ids) ^ set(places))
    one = np.array([at for at, sample in enumerate(ids) if sample in places], dtype=np.int64)
    two = np.array([places[sample] for sample in both], dtype=np.int64)
    names = [name for name in then if name not in ("id", "cell", *without)]
    columns: list[str] = []
    differ, flipped = np.zeros(len(both), dtype=bool), np.zeros(len(both), dtype=bool)
    largest = 0.0
    for name in names:
        first = then[name][one]
        second = now[name][two] if name in now else first[:0]
        if first.shape != second.shape:
            columns.append(name)
            largest = math.inf
            continue
        unequal = _unequal(first, second)
        if unequal.any():
            columns.append(name)
            largest = max(largest, _largest(first, second))
        differ |= unequal
        flipped |= unequal & (name in _VERDICTS)
    return Rows(
        len(both),
        tuple(np.array(both, dtype=object)[differ]),
        tuple(columns),
        largest,
        tuple(np.array(both, dtype=object)[flipped]),
        tuple(only),
    )


def rows_words(rows: Rows | None) -> str:
    """Say how the rows compare, with the first of those that differ."""
    if rows is None:
        return "no rows to compare"
    if rows.equal:
        return f"{plural(rows.count, 'row')} equal to the last bit"
    if rows.only:
        return (
            f"{plural(len(rows.only), 'sample')} in one of the tables alone, {rows.only[0]} first"
        )
    more = f" and {len(rows.differ) - _NAMED} more" if len(rows.differ) > _NAMED else ""
    named = f"{', '.join(rows.differ[:_NAMED])}{more}"
    return (
        f"{len(rows.differ)} of {plural(rows.count, 'row')} differ ({named}), by up to "
        f"{rows.largest:.1e} of the largest value; {plural(len(rows.flipped), 'verdict')} flipped"
    )


def same_number(then: Measure, now: Measure | None) -> bool:
    """Say whether a measure is equal to the last bit: value, interval and n."""
    if now is None or (then.n, then.method) != (now.n, now.method):
        return False
    ends = ((then.value, now.value), (then.low, now.low), (then.high, now.high))
    return all(one == two or _are_nan(one, two) for one, two in ends)


def _are_nan(one: float | None, two: float | None) -> bool:
    return one is not None and two is not None and math.isnan(one) and math.isnan(two)


def _unequal(first: Array, second: Array) -> Array:
    """Say for each row whether any bit of it differs; NaN is equal to itself."""
    if first.dtype.kind == "f" and first.dtype == second.dtype:
        whole = np.dtype(f"i{first.dtype.itemsize}")
        unequal = np.ascontiguousarray(first).view(whole) != np.ascontiguousarray(second).view(
            whole
        )
    else:
        unequal = np.asarray(first != second)
    rows: Array = unequal.any(axis=tuple(range(1, unequal.ndim)))
    return rows


def _largest(first: Array, second: Array) -> float:
    """Return the largest difference of finite numbers, as a share of the largest of them."""
    if first.dtype.kind != "f" or second.dtype.kind != "f":
        return 0.0
    finite = np.isfinite(first)
    if (finite != np.isfinite(second)).any() or not finite.any():
        return math.inf
    scale = max(float(np.abs(first[finite]).max()), float(np.finfo(first.dtype).tiny))
    gap = float(np.abs(first[finite].astype(np.float64) - second[finite]).max())
    return gap / scale
