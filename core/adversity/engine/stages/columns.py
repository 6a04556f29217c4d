"""Rows of a table in memory: columns by name, put under each other and sorted by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import PluginError
from adversity.numerals import exact_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.pipeline.plan.model import Cell

__all__ = [
    "Columns",
    "MatrixNumbers",
    "Rows",
    "filled",
    "join",
    "matrix_numbers",
    "of_cell",
    "of_restorations",
    "repeated",
    "require_the_same",
    "sort_by_id",
]

Columns = dict[str, np.ndarray[Any, Any]]
Rows = Mapping[str, np.ndarray[Any, Any]]
"""As `Columns`, or columns that are read on demand."""
MatrixNumbers = Mapping[str, Mapping[str, np.int64 | np.float64]]
"""By variable of the matrix, its values as written and as numbers."""


def repeated(value: str, count: int) -> np.ndarray[Any, Any]:
    """Return a text `count` times, as a column."""
    return np.array([value] * count, dtype=object)


def matrix_numbers(cells: Sequence[Cell]) -> MatrixNumbers:
    """Return the values of the matrix's variables that are numbers, by variable and as written.

    All values of a variable are of one type: int64 where all are whole numbers, float64 where all
    are numbers. A variable with a value that is none, or that the type cannot hold, is left out.

    Args:
        cells: All cells of a step.
    """
    written: dict[str, dict[str, None]] = {}
    for cell in cells:
        for name, value in cell.values:
            written.setdefault(name, {})[value] = None
    numbers = {name: _numbers(values) for name, values in written.items()}
    return {name: values for name, values in numbers.items() if values is not None}


def _numbers(written: Iterable[str]) -> dict[str, np.int64 | np.float64] | None:
    exact = {value: exact_number(value) for value in written}
    known = [number for number in exact.values() if number is not None]
    if len(known) < len(exact):
        return None
    whole = [number.denominator == 1 for number in known]
    try:
        if all(whole):
            return dict(zip(exact, (np.int64(int(number)) for number in known), strict=True))
        floats = [np.float64(float(number)) for number in known]
    except OverflowError:
        return None
    lost = any(a and int(b) != c for a, b, c in zip(whole, floats, known, strict=True))
    return None if lost else dict(zip(exact, floats, strict=True))


def of_cell(cell: Cell, numbers: MatrixNumbers, count: int) -> Columns:
    """Return the columns, `count` rows long, that say which cell of the matrix rows are of.

    Args:
        cell: The cell.
        numbers: What `matrix_numbers` says of all cells of the step.
        count: How many rows.

    Returns:
        `cell`, its key as text, and a column for each variable: its number, or its text as written.
    """
    columns: Columns = {"cell": repeated(cell.key, count)}
    for name, written in cell.values:
        number = numbers.get(name, {}).get(written)
        columns[name] = repeated(written, count) if number is None else np.full(count, number)
    return columns


def of_restorations(current: ImageBatch) -> Columns:
    """Return where each need of a restoration came from, and the numbers that were found."""
    origin = {
        name: repeated(value, len(current.ids)) for name, value in sorted(current.origin.items())
    }
    numbers = {name: v.numpy() for name, v in sorted(current.found.items()) if v.ndim == 1}
    return origin | numbers


def join(tables: Sequence[Columns]) -> Columns:
    """Put tables under each other; a column that one lacks is left out of none: all agree."""
    for table in tables[1:]:
        require_the_same(tables[0], table)
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def filled(table: Columns, empty: Columns) -> Columns:
    """Return a table with columns that it may lack: where it has none, NaN, and None for text.

    Args:
        table: Rows of a cell.
        empty: The columns, without rows.
    """
    rows = len(table["id"])
    nothing = {
        name: np.full(rows, None if column.dtype == object else np.nan, column.dtype)
        for name, column in empty.items()
        if name not in table
    }
    return table | nothing


def require_the_same(first: Columns, table: Columns, ragged: Collection[str] = ()) -> None:
    """Refuse a table with other columns, or with others in them, than the first.

    The second axis of `ragged` columns may differ.

    Raises:
        PluginError: If they differ.
    """
    if table.keys() != first.keys():
        odd = sorted(set(table) ^ set(first))
        raise PluginError(f"expected the same columns in every shard, got {odd} in some only")
    for name, column in table.items():
        other, axis = first[name], 2 if name in ragged else 1
        if (column.dtype, column.shape[axis:]) != (other.dtype, other.shape[axis:]):
            shapes = [f"{a.dtype} {['N', *a.shape[1:]]}" for a in (other, column)]
            raise PluginError(
                f"expected column {name!r} of one type and width in every shard, got "
                f"{' and '.join(shapes)}; report it to the plugin's author"
            )


def sort_by_id(rows: Columns) -> Columns:
    """Sort rows by id, so that no order of shards or samples shows."""
    order = np.argsort(rows["id"].astype(str), kind="stable")
    return {name: values[order] for name, values in rows.items()}
