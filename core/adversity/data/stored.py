"""A table on the disk, read on demand: a cell, a column, some rows."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from adversity.data.tables import CLASSES, reading, to_numpy
from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow.parquet as pq

__all__ = ["TABLE", "StoredRows", "StoredTable"]

TABLE = "table.parquet"
"""The file of an artifact that holds all rows."""
SHORT = 1 << 18
"""A column of at most so many bytes is read whole, once: a study has a cell for each row group, and
reads each of its columns for each of them."""
Array = np.ndarray[Any, Any]


class _Kept:
    """The columns that were used last, of all tables together; safe for threads."""

    def __init__(self, most: int) -> None:
        """Keep nothing yet.

        Args:
            most: Bytes, about.
        """
        self._most, self._size, self._lock = most, 0, Lock()
        self._columns = OrderedDict[tuple[object, str], Array]()

    def get(self, key: tuple[object, str], read: Callable[[], Array]) -> Array:
        """Return a column; one that is not kept is read."""
        with self._lock:
            if key in self._columns:
                self._columns.move_to_end(key)
                return self._columns[key]
        column = read()
        column.flags.writeable = False  # who changed it would change it for all
        with self._lock:
            if key not in self._columns:
                self._columns[key] = column
                self._size += _size(column)
            while self._size > self._most:
                self._size -= _size(self._columns.popitem(last=False)[1])
        return column


def _size(column: Array) -> int:
    """Return about how many bytes a column takes: of a text 100, with its pointer."""
    return column.nbytes if column.dtype.kind != "O" else 100 * len(column)


_kept = _Kept(most=1 << 25)


class StoredTable:
    """A table on the disk, read on demand.

    Safe for many threads: each read opens the file anew, its footer is read once. Columns that are
    short are read whole and kept for a while, shared and read-only.

    Attributes:
        path: The file.
        names: Its columns, in their order.
    """

    def __init__(self, path: Path) -> None:
        """Read the footer.

        Raises:
            StorageError: If the file is missing or damaged.
        """
        import pyarrow.parquet as pq

        self.path = path
        self._contents: dict[tuple[str, ...], str] = {}
        with reading(path), pq.ParquetFile(path) as file:
            self._footer: pq.FileMetaData = file.metadata
            self._schema = file.schema_arrow
        self.names: tuple[str, ...] = tuple(self._schema.names)
        self._token = object()

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file."""
        return file_sha256(self.path)

    @cached_property
    def cells(self) -> dict[str, StoredRows]:
        """The rows of each cell, in the order of the file; the column `cell` says whose they are.

        Raises:
            StorageError: If the file is damaged.
        """
        groups_by_cell: dict[str, list[_Group]] = {}
        for number in range(self._footer.num_row_groups):
            column = self.read(number, ["cell"])["cell"]
            for key in dict.fromkeys(column.tolist()):
                rows = np.flatnonzero(column == key)
                whole = len(rows) == len(column)
                groups_by_cell.setdefault(key, []).append(
                    _Group(number, len(rows), None if whole else rows)
                )
        return {key: StoredRows(self, groups) for key, groups in groups_by_cell.items()}

    @cached_property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """By cell, the classes that `target` and `prediction` index; none if they were not kept."""
        text = (self._footer.metadata or {}).get(CLASSES.encode(), b"[]")
        return {cell: tuple(names) for names, cells in json.loads(text) for cell in cells}

    def content(self, cell: str, names: Sequence[str]) -> str:
        """Return the SHA-256 of some columns of a cell, those that are there, and of its classes.

        Other columns may hold anything.
        """
        key = (cell, *names)
        if key not in self._contents:
            rows = self.cell(cell)
            digest = hashlib.sha256(repr(self.classes.get(cell)).encode())
            for name in (name for name in names if name in rows):
                digest.update(repr((name, rows.count)).encode())
                for number, part in enumerate(rows.parts()):
                    column = part[name]
                    about = "" if number else f"{column.dtype}{column.shape[1:]}"
                    digest.update(about.encode() + _bytes_of(column))
            self._contents[key] = digest.hexdigest()
        return self._contents[key]

    @property
    def rows(self) -> StoredRows:
        """All rows."""
        groups = range(self._footer.num_row_groups)
        sizes = [self._footer.row_group(number).num_rows for number in groups]
        return StoredRows(self, [_Group(i, size, None) for i, size in enumerate(sizes)])

    def cell(self, key: str) -> StoredRows:
        """Return the rows of a cell; none, if the table has none of it."""
        return self.cells.get(key, StoredRows(self, []))

    def read(self, group: int | None, names: Sequence[str]) -> dict[str, Array]:
        """Read some columns of a row group; None is a group without rows.

        Raises:
            StorageError: If the file is damaged.
        """
        span = slice(0) if group is None else slice(self._starts[group], self._starts[group + 1])
        found = {name: self._whole(name)[span] for name in names if name in self._short}
        others = [name for name in names if name not in found]
        if others:
            found |= self._read([] if group is None else [group], others)
        return {name: found[name] for name in names}

    def _whole(self, name: str) -> Array:
        """Return a short column of all row groups."""
        groups = range(self._footer.num_row_groups)
        return _kept.get((self._token, name), lambda: self._read(groups, [name])[name])

    def _read(self, groups: Sequence[int], names: Sequence[str]) -> dict[str, Array]:
        import pyarrow.parquet as pq

        with reading(self.path):
            with pq.ParquetFile(self.path, metadata=self._footer) as file:
                table = file.read_row_groups(list(groups), columns=list(names), use_threads=False)
            return {name: to_numpy(table.column(name)) for name in names}

    @cached_property
    def _starts(self) -> list[int]:
        """The first row of each row group, and the number of all rows."""
        groups = range(self._footer.num_row_groups)
        sizes = [self._footer.row_group(number).num_rows for number in groups]
        return [0, *np.cumsum(sizes).tolist()]

    @cached_property
    def _short(self) -> frozenset[str]:
        """The columns with one value a row that are short."""
        import pyarrow as pa

        flat = [field.name for field in self._schema if not pa.types.is_nested(field.type)]
        # Eight bytes a row at least: a text that is repeated is written once.
        sizes = dict.fromkeys(flat, 8 * self._starts[-1])
        for number in range(self._footer.num_row_groups):
            group = self._footer.row_group(number)
            for column in map(group.column, range(group.num_columns)):
                if column.path_in_schema in sizes:
                    sizes[column.path_in_schema] += column.total_uncompressed_size
        return frozenset(name for name, size in sizes.items() if size <= SHORT)


def _bytes_of(values: Array) -> bytes:
    """Return the bytes of a column, or of its texts as JSON; the same however it is cut in parts."""
    if values.dtype.kind == "O":
        return "".join(f"{json.dumps(value)}," for value in values.tolist()).encode()
    return np.ascontiguousarray(values).tobytes()


class _Group(NamedTuple):
    """A row group, or some rows of it."""

    number: int
    size: int
    rows: Array | None


class StoredRows(Mapping[str, Array]):
    """Some rows of a stored table: a column is read at each access, and not kept.

    Attributes:
        count: The number of rows.
    """

    def __init__(self, table: StoredTable, groups: Sequence[_Group]) -> None:
        """Read nothing."""
        self._table, self._groups = table, groups
        self.count = sum(group.size for group in groups)

    def __getitem__(self, name: str) -> Array:
        """Read a column, whole: of wide ones better a part at a time."""
        if name not in self._table.names:
            raise KeyError(name)
        return self._join([self._read(group, [name]) for group in self._groups], [name])[name]

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a column; nothing is read."""
        return name in self._table.names

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the columns."""
        return iter(self._table.names)

    def __len__(self) -> int:
        """Return the number of columns; that of rows is `count`."""
        return len(self._table.names)

    def parts(self) -> Iterator[StoredRows]:
        """Go through the rows in order, as many at a time as were written at once."""
        return (StoredRows(self._table, [group]) for group in self._groups)

    def at(self, places: Array, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Read the rows at some places; one row group is in memory at a time.

        Args:
            places: `[N]` int64, each once: 0 is the first of these rows.
            names: The columns; all, if not given.
        """
        columns_read = list(self._table.names if names is None else names)
        order = np.argsort(places)
        ascending = places[order]
        parts, start = [], 0
        for group in self._groups:
            low, high = np.searchsorted(ascending, [start, start + group.size])
            if low < high:
                rows = ascending[low:high] - start
                columns = self._read(group, columns_read)
                parts.append({name: values[rows] for name, values in columns.items()})
            start += group.size
        back = np.argsort(order)
        return {name: values[back] for name, values in self._join(parts, columns_read).items()}

    def _read(self, group: _Group, names: Sequence[str]) -> dict[str, Array]:
        columns = self._table.read(group.number, names)
        if group.rows is None:
            return columns
        return {name: values[group.rows] for name, values in columns.items()}

    def _join(self, parts: list[dict[str, Array]], names: Sequence[str]) -> dict[str, Array]:
        if not parts:
            return self._table.read(None, names)
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}
