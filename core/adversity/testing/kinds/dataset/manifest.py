"""What a data set that comes inside a package promises of the files it writes."""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Sample
from adversity.testing.bench.checks import check, require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity.contracts import Dataset
    from adversity.contracts.values import IndexRow
    from adversity.testing.kinds.dataset import DatasetBench

__all__ = ["manifest", "materialises_the_same", "sums_of"]


def sums_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@check("Written out twice it is the same bytes.")
def materialises_the_same(bench: DatasetBench) -> str:
    """Let a packaged data set write into two empty folders."""
    (_, first), (_, second) = bench.packed, bench.materialised()
    require(
        first.keys() == second.keys(),
        f"expected the same files, got {sorted(first)} and {sorted(second)}",
    )
    other = [name for name in first if first[name] != second[name]]
    require(
        not other, f"expected the same bytes, {', '.join(other[:3])} differ: no times, no paths"
    )
    return f"{len(first)} files"


@check("The manifest lists every sample with its label and a SHA-256 that holds.")
def manifest(bench: DatasetBench) -> str:
    """Compare the manifest of a packaged data set with its files and with its samples.

    Where the class has parameters, its samples may be a part of what the manifest lists.
    """
    folder, sums = bench.packed
    listed = _listed(folder, sums)
    data = bench.ready.plugin
    samples = {row.id: row for row in bench.rows()}
    absent = sorted(samples.keys() - listed.keys())
    require(not absent, f"expected every sample in the manifest, {absent[:3]} are not in it")
    most = len(data) + len(data.quarantined)
    require(
        bench.cls.model_fields or len(data) <= len(listed) <= most,
        f"expected {len(data)} samples in the manifest, as many as the data set has, got "
        f"{len(listed)}",
    )
    for name, row in listed.items():
        _require_sum(row, sums, samples.get(name))
    for name, sample in samples.items():
        label, stated = _label(sample.target, data), listed[name]["label"]
        require(
            label in (None, stated),
            f"expected {name!r} as {label!r} in the manifest, got {stated!r}",
        )
    return f"{len(listed)} samples, {len(samples)} of them looked at"


def _listed(folder: Path, sums: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the rows of the manifest by their ids."""
    require("manifest.csv" in sums, f"expected manifest.csv, got {sorted(sums)[:5]}")
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        missing = {"id", "sha256", "label"} - {name for name, value in row.items() if value}
        require(not missing, f"expected id, sha256 and label in each row, {missing} is not there")
    by_id = {row["id"]: row for row in rows}
    require(len(by_id) == len(rows), "expected each id once in the manifest")
    return by_id


def _require_sum(
    row: Mapping[str, str], sums: Mapping[str, str], sample: IndexRow | Sample | None
) -> None:
    """Compare with the file of the row, else with the index, else with the raw values."""
    file = row.get("file")
    require(not file or file in sums, f"expected the file {file!r} that the manifest names")
    holds = sums.get(file or row["id"])
    if holds is None and sample is not None:
        holds = _content(sample)
    # A sample that was neither read nor has a file of its own cannot be looked up.
    require(
        holds == row["sha256"] or (holds is None and sample is None),
        f"expected the SHA-256 of {row['id']!r}, {holds}, in the manifest, got {row['sha256']}",
    )


def _content(sample: IndexRow | Sample) -> str:
    if isinstance(sample, Sample):
        return hashlib.sha256(sample.image.tobytes()).hexdigest()
    return sample.content


def _label(target: Any, data: Dataset) -> str | None:
    """Return the name of the class that a target indexes, or its numbers; None for neither."""
    names = data.class_names
    if data.target_names and target is not None:
        return " ".join(repr(float(number)) for number in np.atleast_1d(target))
    if not isinstance(target, int | np.integer) or not 0 <= target < len(names):
        return None
    return names[int(target)]
