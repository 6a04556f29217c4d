"""The rows that a metric is given: those whose class the classifier can name, unless it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Table
from adversity.contracts.targets import has_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.contracts import Metric

__all__ = ["judged_rows", "judged_tables", "rows_of", "spread"]

Array = np.ndarray[Any, Any]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class _Rows(Mapping[str, Array]):
    """Some rows of columns; a column is read at each access, as of the whole."""

    def __init__(self, columns: Mapping[str, Array], keep: Flags) -> None:
        self._columns, self._keep = columns, keep

    def __getitem__(self, name: str) -> Array:
        """Return the rows of a column."""
        return self._columns[name][self._keep]

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a column; nothing is read."""
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the columns."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)

    def parts(self) -> Iterator[Mapping[str, Array]]:
        """Go through the rows in order, a few at a time; parts without rows are left out."""
        start = 0
        for part in Table(self._columns).parts():
            keep = self._keep[start : start + len(part)]
            start += len(part)
            if keep.any():
                yield _Rows(part.columns, keep)


def judged_rows(metric: Metric, table: Table, reference: Table | None = None) -> Flags | None:
    """Return which rows of a table a metric is given, `[N]` bool; None for all.

    Args:
        metric: One with `needs_labels` gets the rows whose target is a class of the classifier.
        table: As it is stored.
        reference: The same samples of another step, for a metric that compares them.
    """
    if not metric.needs_labels:
        return None
    keep = None
    for each in (table, reference):
        if each is not None and each.has("target"):
            known = has_class(each["target"])
            keep = known if keep is None else keep & known
    return None if keep is None or bool(keep.all()) else keep


def judged_tables(metric: Metric, table: Table, reference: Table | None) -> list[Table]:
    """Return a table, and the one it is compared with if any, with the rows that a metric is given."""
    if reference is None:
        return [rows_of(table, judged_rows(metric, table))]
    if metric.compares == "samples":
        keep = judged_rows(metric, table, reference)
        return [rows_of(table, keep), rows_of(reference, keep)]
    return [rows_of(each, judged_rows(metric, each)) for each in (table, reference)]


def spread(values: Array, keep: Flags | None) -> Array:
    """Return values of the rows that count as values of all, NaN where one does not count.

    Args:
        values: `[M]` booleans or floats.
        keep: `[N]` bool, M of them True; None if all count.
    """
    if keep is None:
        return values
    column = np.full(len(keep), np.nan)
    column[keep] = values
    return column


def rows_of(table: Table, keep: Flags | None) -> Table:
    """Return some rows of a table, those where `keep` `[N]` is True; all for None."""
    return table if keep is None else Table(_Rows(table.columns, keep), table.class_names)
