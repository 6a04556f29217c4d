"""What the classification metrics read from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Table

__all__ = ["by_row", "class_targets", "form", "groups_in", "judgeable", "known_rows"]


def class_targets(table: Table) -> np.ndarray[Any, Any] | None:
    """Return the targets `[N]` as class indices, or None where they are something else."""
    targets = np.asarray(table["target"])
    usable = len(targets) > 0 and targets.ndim == 1 and targets.dtype.kind in "iu"
    return targets if usable else None


def judgeable(table: Table) -> bool:
    """Say whether a table has class indices as targets, and an answer to hold against them."""
    return table.has(form(table)) and class_targets(table) is not None


def form(table: Table) -> str:
    """Return the column that holds the answer `[N, K]`.

    Probabilities come first: where both are there, they are the calibrated answer.
    """
    return "probs" if table.has("probs") else "logits"


def known_rows(table: Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows have a class of the classifier, `[N]` bool: all, where nothing is said."""
    if not table.has("target"):
        return np.ones(len(table), dtype=np.bool_)
    return np.asarray(table["target"] >= 0)


def groups_in(
    table: Table, rows: np.ndarray[Any, Any] | None = None
) -> np.ndarray[Any, Any] | None:
    """Return the groups of rows `[N]`, or of some of them; None where no two samples share one."""
    if not table.has("group"):
        return None
    groups = np.asarray(table["group"])
    if not metrics.are_grouped(groups):
        return None
    return groups if rows is None else groups[rows]


def by_row(table: Table, function: Callable[..., Any], **options: Any) -> Any:
    """Apply a function of answers and labels that goes row by row, a part of the table at a time.

    Args:
        table: With targets and an answer.
        function: From `labels=` and either `probs=` or `logits=` to arrays `[N]`.
        options: Further arguments of the function.

    Returns:
        Its arrays for all rows.
    """
    answer = form(table)
    columns = [
        function(labels=part["target"], **{answer: part[answer]}, **options)
        for part in table.parts()
    ]
    if isinstance(columns[0], tuple):
        return tuple(np.concatenate(column) for column in zip(*columns, strict=True))
    return np.concatenate(columns)
