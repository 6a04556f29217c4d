"""Tables as metrics see them: columns that are read on demand, in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

__all__ = ["PART_ROWS", "Table"]

PART_ROWS = 1024
"""Rows of a part of a table: 4 MB of float32 answers where there are 1 000 classes."""


@dataclass(frozen=True, slots=True)
class Table:
    """Per-sample columns as metrics see them.

    In a run a column is read from the disk at each access. So read it once and keep it, and
    go through `parts` for what needs `logits` or `probs`: with many classes these do not fit.

    Attributes:
        columns: Named arrays with first axis N; `id` and `target` are always there,
            `logits` and `probs` are `[N, K]`.
        class_names: The classes that `target` and `prediction` index; where `target` is numbers,
            `[N]` or `[N, D]`, what they are.
    """

    columns: Mapping[str, np.ndarray[Any, Any]]
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.columns["id"])

    def has(self, *names: str) -> bool:
        """Say whether all these columns are there."""
        return all(name in self.columns for name in names)

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        """Return one column."""
        return self.columns[name]

    def parts(self) -> Iterator[Table]:
        """Go through the rows in order, a few of them at a time, each part a table."""
        stored = getattr(self.columns, "parts", None)
        parts = _slices(self.columns, len(self)) if stored is None else stored()
        return (Table(columns, self.class_names) for columns in parts)


def _slices(
    columns: Mapping[str, np.ndarray[Any, Any]], count: int
) -> Iterator[Mapping[str, np.ndarray[Any, Any]]]:
    for start in range(0, count, PART_ROWS):
        yield {name: values[start : start + PART_ROWS] for name, values in columns.items()}
