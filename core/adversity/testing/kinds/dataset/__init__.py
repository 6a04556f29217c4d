"""What a data set promises."""

from __future__ import annotations

import hashlib
import weakref
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.engine.calls.ready import BREAKS
from adversity.errors import PluginError
from adversity.provenance import pixels_sha256
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import (
    Failed,
    NotApplicable,
    check,
    error_line,
    json_text,
    require,
)
from adversity.testing.common.row_by_row import seed_everything
from adversity.testing.inputs.samples import (
    difference,
    images_in,
    sample_fault,
    spelt,
    targets_fault,
)
from adversity.testing.kinds.dataset.classes import members_of_classes
from adversity.testing.kinds.dataset.manifest import manifest, materialises_the_same, sums_of
from adversity.testing.kinds.dataset.references import references_are_known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import Dataset, PluginBase, Sample, State
    from adversity.contracts.values import IndexRow
    from adversity.engine.calls.ready import Ready

__all__ = ["DatasetBench", "bench_for"]

MOST = 24
"""So many samples are read, spread over the data set; indexes are compared whole."""


@check("Opened twice it is the same: ids, targets, images, whatever the global seeds.")
def opens_the_same(bench: DatasetBench) -> str:
    """Open two new objects in one place, with the global generators moved between."""
    seen = []
    for seed in (1, 2):
        seed_everything(seed)
        data = bench.fresh().plugin
        rows = [spelt(data.item(index)) for index in bench.some(data)]
        seen.append((len(data), (*data.class_names, *data.target_names), rows))
    (count, names, rows), (again, names_again, rows_again) = seen
    require(count == again, f"expected as many samples the second time, got {count} and {again}")
    require(
        names == names_again,
        f"expected the same names of classes or numbers, got {names} and {names_again}",
    )
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
    names = [row.id for row in bench.rows()]
    wrong = [name for name in names if not isinstance(name, str) or not name]
    require(not wrong, f"expected a text as id, got {wrong[:1]}")
    double = sorted(name for name, count in Counter(names).items() if count > 1)[:3]
    require(
        not double,
        f"expected each id once, {double} come twice: random streams and comparisons hang on ids",
    )
    return f"{len(names)} ids"


@check("Every target is a class index, or the numbers that are named, or nothing.")
def targets(bench: DatasetBench) -> str:
    """Compare targets with the names of classes or numbers, which come once each."""
    rows, data = bench.rows(), bench.ready.plugin
    names, numbers = data.class_names, data.target_names
    fault = targets_fault([row.target for row in rows], names, numbers)
    require(fault is None, str(fault))
    return f"{len(rows)} targets, {len(numbers or names)} {'numbers' if numbers else 'classes'}"


@check("The length is the number of samples: behind the last one there is none.")
def length(bench: DatasetBench) -> str:
    """Ask for the last sample, and for one more: only an IndexError says that there is none."""
    data = bench.ready.plugin
    count = len(data)
    require(count > 0, "expected a sample, got none: check the parameters in `examples`")
    data.item(count - 1)
    expected = f"expected item({count}) of {count} samples to raise IndexError"
    try:
        more = data.item(count)
    except IndexError:
        return f"{count} samples"
    except BREAKS as error:
        raise Failed(f"{expected}, got {error_line(error)}") from error
    raise Failed(f"{expected}, it gave {more.id!r}")


@check("The index says of every sample what the sample says itself.")
def index_agrees(bench: DatasetBench) -> str:
    """Compare `index()` with `item`, and its content hashes with the images."""
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
        listed = (row.id, row.target, row.group, dict(row.attributes), tuple(row.shape))
        holds = (sample.id, sample.target, sample.group, dict(sample.attributes), shape)
        require(listed == holds, f"expected {holds} in row {number} of the index, got {listed}")
        pixels = sample.image.tobytes()
        require(
            content.setdefault(row.content, pixels) == pixels,
            f"expected another content hash for another image, {sample.id!r} has that of one "
            "before: what depends on it would not be computed anew",
        )
        images = [image for image in (sample.image, sample.reference) if image is not None]
        known = tuple(map(pixels_sha256, images))
        require(
            row.pixels in ((), known),
            f"expected pixels={known} in row {number} of the index (or none), got {row.pixels}: "
            "an image that fits and judges would be missed",
        )
    return f"{len(index)} rows, {len(content)} contents"


@check("What is left out has a reason, and is not among the samples.")
def quarantined(bench: DatasetBench) -> str:
    """Look at the list of samples that cannot be used."""
    left_out = bench.ready.plugin.quarantined
    if not left_out:
        raise NotApplicable("nothing is left out")
    used = {row.id for row in bench.rows()}
    for name, reason in left_out:
        require(
            isinstance(reason, str) and reason, f"expected why {name!r} is left out, got {reason!r}"
        )
        require(name not in used, f"expected {name!r} left out, it is among the samples")
    return f"{len(left_out)} left out"


@check("What is described for the report is JSON.")
def facts_are_json(bench: DatasetBench) -> str:
    """Write it as JSON, which the report does."""
    facts = bench.ready.plugin.describe()
    text = json_text(facts, "describe()")
    require(isinstance(facts, dict), f"expected a dict from describe(), got {text[:80]}")
    return text[:80]


class DatasetBench(Bench):
    """Open a data set in a project of the kit's own.

    A data set that comes inside a package is written out first. One that reads files finds a
    folder `images` with two folders of small PNG files in it, beside what its class writes for
    its examples, unless `location()` says a place that is there in the current folder: then that
    is read.
    """

    by_row = False
    checks = (
        opens_the_same,
        ids,
        targets,
        members_of_classes,
        length,
        index_agrees,
        references_are_known,
        materialises_the_same,
        manifest,
        quarantined,
        facts_are_json,
    )

    @classmethod
    def examples(cls, plugin: type[PluginBase]) -> tuple[Mapping[str, Any], ...]:
        """Return the defaults, with the kit's folder for a parameter `path` that has none."""
        field = plugin.model_fields.get("path")
        return ({"path": "images"},) if field is not None and field.is_required() else ({},)

    def set_up(self, plugin: Any, state: State | None = None) -> Ready:
        """Set the data set up and open it."""
        ready = super().set_up(plugin, state)
        ready.plugin.open(self._root_of(ready.plugin))
        return ready

    def _root_of(self, plugin: Dataset) -> Path:
        if type(plugin).packaged:
            return self.packed[0]
        location = plugin.location()
        if location is None or (self.is_example and (self._images / location).exists()):
            return self._images
        return Path.cwd() if (Path.cwd() / location).exists() else self._images

    @cached_property
    def _images(self) -> Path:
        """A folder of the kit's own: images, and what the class writes for its examples."""
        images_in(self._written / "images")
        return self._written

    def _new_folder(self) -> Path:
        """Make a folder that goes when the bench goes."""
        import shutil
        from tempfile import mkdtemp

        folder = Path(mkdtemp(prefix="adversity-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def packed(self) -> tuple[Path, dict[str, str]]:
        """Where a packaged data set was written to, and the SHA-256 of each file, by path."""
        return self.materialised()

    def materialised(self) -> tuple[Path, dict[str, str]]:
        """Write a packaged data set into a new folder; return that and the files' SHA-256."""
        if not self.cls.packaged:  # type: ignore[attr-defined]
            raise NotApplicable("it does not come inside a package")
        folder = self._new_folder()
        self.make().materialise(folder)
        return folder, sums_of(folder)

    def rows(self) -> Sequence[IndexRow | Sample]:
        """Return what the index says of every sample; without one, some samples."""
        data = self.ready.plugin
        index: Sequence[IndexRow] | None = data.index()
        return [data.item(number) for number in self.some(data)] if index is None else index

    def some(self, data: Dataset) -> list[int]:
        """Return the numbers of some samples, spread evenly, first and last among them."""
        count = len(data)
        if count <= MOST:
            return list(range(count))
        return [round(k * (count - 1) / (MOST - 1)) for k in range(MOST)]

    def cases(self) -> Sequence[Case]:
        """Return samples to read, in order and backwards; their numbers are the ids."""
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
            fault = sample_fault(sample, self.cls.image_channels)
            if fault is not None:
                raise PluginError(f"{ready.label}, sample {number}: {fault}")
            digests.append(list(hashlib.sha256(repr(spelt(sample)).encode()).digest()))
        return {"samples": torch.tensor(digests, dtype=torch.uint8)}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return DatasetBench
