"""The `labels:` file of a data set: what its classes are called by the classifier."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity.file_names import same_name
from adversity.project import conflict_line, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_labels"]

_COLUMNS = {"from", "to"}


def read_labels(path: Path, shown: str) -> dict[str, str]:
    """Read a `labels:` file: CSV in UTF-8 with a header `from,to`.

    Args:
        path: The file.
        shown: What to call it in messages.

    Returns:
        Data set's name to classifier's name or WordNet id, both in the one form of accents.

    Raises:
        DataError: If it cannot be read, has other columns or an empty name, or maps a class twice.
    """
    mapped: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, source, target in _rows(_text(path, shown), shown):
        if source in lines:
            raise DataError(
                f"{shown}:{line}: {source!r} is already on line {lines[source]}, as "
                f"{mapped[source]!r}; a class has one row"
            )
        mapped[source], lines[source] = target, line
    if not mapped:
        raise DataError(f"{shown}: expected at least one row under from,to, got none")
    return mapped


def _text(path: Path, shown: str) -> str:
    try:
        return read_regular(path).decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{shown}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown}: expected a CSV file in UTF-8, got the byte 0x{error.object[error.start]:02x}"
            '; save it as "CSV UTF-8"'
        ) from error


def _rows(text: str, shown: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, data set's name and classifier's name of each row."""
    conflict = conflict_line(text)
    if conflict is not None:
        raise DataError(
            f"{shown}:{conflict}: expected CSV, got a merge conflict; keep one side of it"
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not set(header) >= _COLUMNS or len(set(header)) < len(header):
            got = ",".join(header)[:60] or "nothing"
            raise DataError(f"{shown}:1: expected a header with the columns from,to, got {got}")
        for values in filter(None, reader):
            row = dict(zip(header, map(same_name, map(str.strip, values)), strict=False))
            if len(values) != len(header) or not row["from"] or not row["to"]:
                raise DataError(
                    f"{shown}:{reader.line_num}: expected a name in each of {','.join(header)}, "
                    f"got {','.join(values)[:60]}; quote names that hold commas"
                )
            yield reader.line_num, row["from"], row["to"]
    except csv.Error as error:
        raise DataError(f"{shown}:{reader.line_num}: not valid CSV ({error})") from error
