"""Per-sample tables as Parquet files that are the same bytes for the same content.

Columns are float32, float64, int64, bool or text; `[N, K]` arrays become fixed-size lists, and
lists of any size where parts of a table differ in K.
Bytes are equal for one version of pyarrow, which writes its version into the file. A large table
is written a piece after the other, and read on demand: see
`adversity.data.stored`.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.atomic import atomic_write
from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

__all__ = ["CLASSES", "read_table", "reading", "to_numpy", "write_parts", "write_table"]

CLASSES = "adversity.classes"
"""In the metadata of a table's file: names of classes, each list with its cells, as JSON."""
Array = np.ndarray[Any, Any]
_DTYPES = ("float32", "float64", "int64", "bool")


def write_table(path: Path, columns: Mapping[str, Array | Sequence[Any]]) -> None:
    """Write columns of equal length, in the order given.

    Args:
        path: The file to make or replace.
        columns: Arrays `[N]`, `[N, K]` or `[N, M, K]` of float32, float64, int64 or bool, or
            N texts (None where there is none; an empty list is text). NaN stays NaN.

    Raises:
        TypeError: If a column has another type.
        ValueError: If the columns' lengths differ.
        StorageError: If the disk is full or not writable.
    """
    write_parts(path, [columns])


def write_parts(
    path: Path,
    parts: Iterable[Mapping[str, Array | Sequence[Any]]],
    classes: Mapping[str, Sequence[str]] | None = None,
    ragged: Collection[str] = (),
) -> None:
    """Write a table a part after the other, each a row group; one part is in memory at a time.

    Args:
        path: The file to make or replace; it appears whole or not at all.
        parts: At least one; columns as `write_table` takes them, the same in all.
        classes: By cell, the classes that its columns index; kept beside them.
        ragged: Columns `[N, M, ...]` whose M is that of a part.

    Raises:
        TypeError: If a column has a type that tables do not hold.
        ValueError: If the columns' lengths differ, or a part has other columns or types than
            the first.
        StorageError: If the disk is full or not writable.
    """
    import pyarrow.parquet as pq

    def write(partial: Path) -> None:
        tables = (_arrow_table(part, ragged) for part in parts)
        first = next(tables)
        if classes is not None:
            first = first.replace_schema_metadata({CLASSES: _classes_text(classes)})
        with pq.ParquetWriter(partial, first.schema, compression="zstd") as file:
            file.write_table(first)
            for table in tables:
                file.write_table(table)

    atomic_write(path, write)


def _classes_text(classes: Mapping[str, Sequence[str]]) -> str:
    """Write each list of names once, with the cells that have it."""
    cells: dict[tuple[str, ...], list[str]] = {}
    for cell, names in classes.items():
        cells.setdefault(tuple(names), []).append(cell)
    return json.dumps([[list(names), those] for names, those in cells.items()])


def _arrow_table(columns: Mapping[str, Array | Sequence[Any]], ragged: Collection[str]) -> pa.Table:
    import pyarrow as pa

    arrays = {
        name: _to_arrow(name, given, ragged=name in ragged) for name, given in columns.items()
    }
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"a table's columns must have one length, got {lengths}")
    return pa.table(arrays)


def read_table(path: Path) -> dict[str, Array]:
    """Read what `write_table` wrote: the columns in their order, text as object arrays.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    import pyarrow.parquet as pq

    with reading(path):
        # One thread: the engine runs one worker a core already.
        with pq.ParquetFile(path) as file:
            table = file.read(use_threads=False)
        return {name: to_numpy(table.column(name)) for name in table.column_names}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read what to do."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing; run the step that makes it again") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StorageError(
            f"{path} is damaged ({error}); delete it and run the step that makes it again"
        ) from error


def _to_arrow(name: str, values: Array | Sequence[Any], *, ragged: bool) -> pa.Array:
    import pyarrow as pa

    # NumPy would turn a list of texts and numbers into texts without a word.
    texts = not isinstance(values, np.ndarray) and (
        not values or any(value is None or isinstance(value, str) for value in values)
    )
    array = np.asarray(values, dtype=object if texts else None)
    if array.dtype.kind in "OU":
        return _text(name, array)
    if array.dtype.name not in _DTYPES:
        raise TypeError(
            f"column {name!r} must be {', '.join(_DTYPES)} or text, got {array.dtype.name}"
        )
    if array.ndim == 0 or 0 in array.shape[1:]:
        raise TypeError(f"column {name!r} must be [N] or [N, K] with K >= 1, got {array.shape}")
    column = pa.array(np.ascontiguousarray(array).reshape(-1))
    for width in reversed(array.shape[2 if ragged else 1 :]):
        column = pa.FixedSizeListArray.from_arrays(column, width)
    if ragged:
        offsets = np.arange(len(array) + 1, dtype=np.int32) * array.shape[1]
        return pa.ListArray.from_arrays(offsets, column)
    return column


def _text(name: str, array: Array) -> pa.Array:
    import pyarrow as pa

    values = array.tolist()
    wrong = next((v for v in values if not (v is None or isinstance(v, str))), None)
    if array.ndim != 1 or wrong is not None:
        raise TypeError(f"column {name!r} must hold texts or None, got {wrong!r}")
    return pa.array(values, type=pa.string())


def to_numpy(column: pa.ChunkedArray) -> Array:
    """Return a column as `write_table` was given it, or `write_parts` a part of it.

    Raises:
        ValueError: If its lists have several sizes: it is of several parts.
    """
    import pyarrow as pa

    rows = len(column)
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    shape = [rows]
    if pa.types.is_list(values.type):
        sizes = np.unique(values.value_lengths().to_numpy())
        if len(sizes) > 1:
            raise ValueError(f"expected lists of one size, got {sizes.tolist()}")
        shape.append(int(sizes[0]) if len(sizes) else 0)
        values = values.flatten()
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), dtype=object)
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)
