"""What a data set promises."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.engine.calls import BREAKS, Ready
from adversity.errors import PluginError
from adversity.testing.bench import Answer, Bench, Case
from adversity.testing.checks import Failed, NotApplicable, check, require
from adversity.testing.row_by_row import seed_everything
from adversity.testing.samples import difference, pictures_in, sample_fault, spelt, targets_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import Dataset, PluginBase

__all__ = ["DatasetBench", "bench_for"]

MOST = 24
"""So many samples are read, spread over the data set; indexes are compared whole."""


@check("Opened twice it is the same: ids, targets, pictures, whatever the global seeds.")
def opens_the_same(bench: DatasetBench) -> str:
    """Open two new objects in one place, with the global generators moved between."""
    seen = []
    for seed in (1, 2):
        seed_everything(seed)
        data = bench.fresh().plugin
        rows = [spelt(data.item(index)) for index in bench.some(data)]
        seen.append((len(data), tuple(data.class_names), rows))
    (count, names, rows), (again, names_again, rows_again) = seen
    require(count == again, f"expected as many samples the second time, got {count} and {again}")
    require(names == names_again, f"expected the same class names, got {names} and {names_again}")
    for row, other in zip(rows, rows_again, strict=True):
        require(
            row == other,
            f"expected the same sample each time it is opened, {row[0]!r} differs in "
            f"{difference(row, other)}",
        )
    return f"{len(rows)} of {count} samples compared"


@check("Every sample has an id of its own, a text.")
def ids(bench: DatasetBench) -> str:
    """Look at all ids of the index, else at those of the samples that are read."""
    data = bench.ready.plugin
    index = data.index()
    found = (
        [row.id for row in index]
        if index is not None
        else [data.item(number).id for number in bench.some(data)]
    )
    wrong = [name for name in found if not isinstance(name, str) or not name]
    require(not wrong, f"expected a text as id, got {wrong[:1]}")
    double = sorted(name for name, count in Counter(found).items() if count > 1)[:3]
    require(
        not double,
        f"expected each id once, {double} come twice: random streams and comparisons hang on ids",
    )
    return f"{len(found)} ids"


@check("Targets are class indices, numbers or vectors, all alike; or nothing has a target.")
def targets(bench: DatasetBench) -> str:
    """Compare targets with the class names, which come once each."""
    data = bench.ready.plugin
    index = data.index()
    rows = index if index is not None else [data.item(number) for number in bench.some(data)]
    fault = targets_fault([row.target for row in rows], data.class_names)
    require(fault is None, str(fault))
    return f"{len(rows)} targets, {len(data.class_names)} classes"


@check("The length is the number of samples: behind the last one there is none.")
def length(bench: DatasetBench) -> str:
    """Ask for the last sample, and for one more."""
    data = bench.ready.plugin
    count = len(data)
    require(count > 0, "expected a sample, got none: check the parameters in `examples`")
    data.item(count - 1)
    try:
        more = data.item(count)
    except BREAKS:
        return f"{count} samples"
    raise Failed(
        f"expected item({count}) of {count} samples to raise IndexError, it gave {more.id!r}"
    )


@check("The index says of every sample what the sample says itself.")
def index_agrees(bench: DatasetBench) -> str:
    """Compare `index()` with `item`, and its content hashes with the pictures."""
    data = bench.ready.plugin
    index = data.index()
    if index is None:
        raise NotApplicable("it has no index; the engine reads every sample once")
    require(len(index) == len(data), f"expected {len(data)} rows in the index, got {len(index)}")
    content: dict[str, bytes] = {}
    for number in bench.some(data):
        row, sample = index[number], data.item(number)
        height, width = sample.image.shape[:2]
        shape = (height, width, 1 if sample.image.ndim == 2 else sample.image.shape[2])
        said = (row.id, row.target, row.group, dict(row.attributes), tuple(row.shape))
        holds = (sample.id, sample.target, sample.group, dict(sample.attributes), shape)
        require(said == holds, f"expected {holds} in row {number} of the index, got {said}")
        pixels = sample.image.tobytes()
        require(
            content.setdefault(row.content, pixels) == pixels,
            f"expected another content hash for another picture, {sample.id!r} has that of one "
            "before: what depends on it would not be computed anew",
        )
    return f"{len(index)} rows, {len(content)} contents"


@check("Written out twice it is the same bytes.")
def materialises_the_same(bench: DatasetBench) -> str:
    """Let a packaged data set write into two empty folders."""
    first, second = bench.written(), bench.written()
    names = [sorted(found) for found in (first, second)]
    require(names[0] == names[1], f"expected the same files, got {names[0]} and {names[1]}")
    other = [name for name in names[0] if first[name] != second[name]]
    require(
        not other, f"expected the same bytes, {', '.join(other[:3])} differ: no times, no paths"
    )
    return f"{len(names[0])} files, {sum(map(len, first.values()))} bytes"


@check("The manifest lists every sample with its label and a SHA-256 that holds.")
def manifest(bench: DatasetBench) -> str:
    """Compare the manifest of a packaged data set with the files, else with the index."""
    import csv
    import io

    files = bench.written()
    require("manifest.csv" in files, f"expected manifest.csv, got {sorted(files)[:5]}")
    rows = list(csv.DictReader(io.StringIO(files["manifest.csv"].decode("utf-8"))))
    index = bench.ready.plugin.index()
    contents = {row.id: row.content for row in index or ()}
    for row in rows:
        missing = {"id", "sha256", "label"} - {name for name, value in row.items() if value}
        require(not missing, f"expected id, sha256 and label in each row, {missing} is not there")
        file = files.get(row.get("file") or row["id"])
        holds = contents.get(row["id"]) if file is None else hashlib.sha256(file).hexdigest()
        require(
            holds in (None, row["sha256"]),
            f"expected the SHA-256 of {row['id']!r}, {holds}, in the manifest, got {row['sha256']}",
        )
    listed = [row["id"] for row in rows]
    require(len(set(listed)) == len(listed), "expected each id once in the manifest")
    return f"{len(rows)} samples"


@check("What is left out has a reason, and is not among the samples.")
def quarantined(bench: DatasetBench) -> str:
    """Look at the list of samples that cannot be used."""
    data = bench.ready.plugin
    rows = data.index() or [data.item(number) for number in bench.some(data)]
    used = {row.id for row in rows}
    for name, reason in data.quarantined:
        require(
            isinstance(reason, str) and reason, f"expected why {name!r} is left out, got {reason!r}"
        )
        require(name not in used, f"expected {name!r} left out, it is among the samples")
    return f"{len(data.quarantined)} left out"


@check("What is told for the report is JSON.")
def facts_are_json(bench: DatasetBench) -> str:
    """Write it as JSON, which the report does."""
    facts = bench.ready.plugin.describe()
    try:
        text = json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Failed(f"expected JSON values from describe(), got {error}") from error
    require(isinstance(facts, dict), f"expected a dict from describe(), got {text[:80]}")
    return text[:80]


class DatasetBench(Bench):
    """Open a data set in a project of the kit's own.

    A data set that comes inside a package is written out first. One that reads files finds a
    folder `pictures` with two folders of small PNG files in it, unless `location()` says a
    place that is there in the current folder: then it is read.
    """

    by_row = False
    checks = (
        opens_the_same,
        ids,
        targets,
        length,
        index_agrees,
        materialises_the_same,
        manifest,
        quarantined,
        facts_are_json,
    )

    def __init__(
        self, cls: type[PluginBase], parameters: Mapping[str, Any], *, device: str = "cpu"
    ) -> None:
        """Take the class; nothing is written yet."""
        super().__init__(cls, parameters, device=device)
        self._root: Path | None = None

    @classmethod
    def examples(cls, plugin: type[PluginBase]) -> tuple[Mapping[str, Any], ...]:
        """Return the defaults, with the kit's folder for a parameter `path` that has none."""
        field = plugin.model_fields.get("path")
        return ({"path": "pictures"},) if field is not None and field.is_required() else ({},)

    def set_up(self, plugin: Any, changes: Mapping[str, Any] | None = None) -> Ready:
        """Open the data set."""
        plugin.open(self._root_of(plugin))
        return Ready(plugin, self.label, self.device)

    def _root_of(self, plugin: Dataset) -> Path:
        if type(plugin).packaged:
            if self._root is None:
                self._root = self._new_folder()
                plugin.materialise(self._root)
            return self._root
        location = plugin.location()
        if location is not None and (Path.cwd() / location).exists():
            return Path.cwd()
        if self._root is None:
            self._root = self._new_folder()
            pictures_in(self._root / "pictures")
        return self._root

    def _new_folder(self) -> Path:
        """Make a folder that goes when the bench goes."""
        import shutil
        from tempfile import mkdtemp

        folder = Path(mkdtemp(prefix="adversity-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def written(self) -> dict[str, bytes]:
        """Write a packaged data set into a new folder; return its files by their paths."""
        if not self.cls.packaged:  # type: ignore[attr-defined]
            raise NotApplicable("it does not come inside a package")
        folder = self._new_folder()
        self.make().materialise(folder)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def some(self, data: Dataset) -> list[int]:
        """Return the numbers of some samples, spread evenly, first and last among them."""
        count = len(data)
        if count <= MOST:
            return list(range(count))
        return [round(k * (count - 1) / (MOST - 1)) for k in range(MOST)]

    def cases(self) -> Sequence[Case]:
        """Return samples to ask for, in order and backwards; their numbers are the ids."""
        numbers = tuple(map(str, self.some(self.ready.plugin)))
        return (
            Case(f"{len(numbers)} samples", {}, numbers),
            Case(f"{len(numbers)} samples backwards", {}, numbers[::-1]),
            Case("the last sample twice", {}, numbers[-1:] * 2),
        )

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Read samples, check them and return the SHA-256 of all that they hold."""
        import torch

        digests = []
        for number in map(int, case.ids):
            sample = ready.plugin.item(number)
            fault = sample_fault(sample)
            if fault is not None:
                raise PluginError(f"{ready.label}, sample {number}: {fault}")
            digests.append(list(hashlib.sha256(repr(spelt(sample)).encode()).digest()))
        return {"samples": torch.tensor(digests, dtype=torch.uint8)}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return DatasetBench
