"""The list of samples that a packaged data set leaves beside its files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["read_manifest", "write_manifest"]

_FILE = "manifest.csv"


def write_manifest(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write `manifest.csv`; the columns are the first row's, at least id, sha256, label."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (folder / _FILE).write_bytes(text.getvalue().encode())


def read_manifest(folder: Path, *, name: str) -> list[dict[str, str]]:
    """Read what `write_manifest` wrote.

    Raises:
        DataError: If the data set was not materialised, or its manifest is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        raise DataError(
            f"data set {name!r}: expected data/{name}/{_FILE}, found none; run the pipeline with "
            "`adversity run`, or `dvc repro`, which materialise it first"
        )
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or any(not row.get(key) for row in rows for key in ("id", "sha256", "label")):
        raise DataError(
            f"data set {name!r}: data/{name}/{_FILE} is damaged; delete data/{name} and run again"
        )
    return rows
