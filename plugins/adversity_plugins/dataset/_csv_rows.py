"""Rows of a CSV file with their line numbers, and the numbers in them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from adversity.errors import DataError
from adversity.numerals import number_in
from adversity.project import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["csv_rows", "numbers_in"]


def csv_rows(path: Path, where: str, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file: UTF-8, comma-separated, with a header.

    Args:
        path: The file.
        where: Its name in messages.
        columns: Those that it must have; `group` may be there, and others.

    Returns:
        The line number of each row, and its values by column.

    Raises:
        DataError: If it is missing or no such file, with the line.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{where}: not found; check `labels` (a file inside `path`)") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: cannot be read as UTF-8 text ({error})") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not set(columns) <= set(header) or len(set(header)) < len(header):
            raise DataError(
                f"{where}:1: expected a header with the columns {','.join(columns)}[,group], got "
                f"{','.join(header) or 'nothing'}"
            )
        return list(_rows(reader, header, where))
    except csv.Error as error:
        raise DataError(f"{where}:{reader.line_num}: not valid CSV ({error})") from error


def _rows(reader: Any, header: Sequence[str], where: str) -> Iterator[tuple[int, dict[str, str]]]:
    for values in reader:
        if not values:  # a blank line
            continue
        if len(values) != len(header):
            raise DataError(
                f"{where}:{reader.line_num}: expected {len(header)} values "
                f"({','.join(header)}), got {len(values)}; quote values that hold commas"
            )
        yield reader.line_num, dict(zip(header, values, strict=True))


def numbers_in(row: Mapping[str, str], columns: Sequence[str]) -> tuple[float, ...] | str | None:
    """Return the numbers of a row, or what is wrong with them; None where all are missing.

    Args:
        row: Its values by column.
        columns: In which numbers stand, such as `-3.5` or `1e-3`.
    """
    texts = [row[name].strip() for name in columns]
    if not any(texts):
        return None
    numbers = []
    for name, text in zip(columns, texts, strict=True):
        number = number_in(text)
        if number is None:
            return f"{name} must be a finite number such as 3.5, got {text!r}"
        numbers.append(number)
    return tuple(numbers)
