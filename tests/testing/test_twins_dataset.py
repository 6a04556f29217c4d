"""For each check of data sets, one that fails exactly that one."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from pydantic import Field, PrivateAttr

from adversity import Dataset, Sample
from adversity.contracts import IndexRow
from adversity.testing import check_plugin
from adversity.testing.dataset import DatasetBench
from adversity.testing.samples import sample_fault, targets_fault

if TYPE_CHECKING:
    from pathlib import Path


def failed(plugin: Any, **options: Any) -> set[str]:
    """Return the names of the checks that speak against a plugin."""
    return {outcome.check for outcome in check_plugin(plugin, raises=False, **options).failures}


def picture(number: int) -> Any:
    """Draw a small picture, another for each number."""
    return np.random.default_rng(number).integers(0, 256, (8, 8 + number % 3, 3), dtype=np.uint8)


class Boxes(Dataset):
    """Eight pictures in memory, without an index."""

    name: ClassVar[str] = "boxes"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("even", "odd")

    def __len__(self) -> int:
        return 8

    def item(self, index: int) -> Sample:
        if not 0 <= index < 8:
            raise IndexError(index)
        return Sample(picture(index), index % 2, f"box-{index}", attributes={"number": index})


class Indexed(Boxes):
    """The same with an index."""

    def index(self) -> list[IndexRow]:
        samples = [self.item(number) for number in range(len(self))]
        return [
            IndexRow(
                sample.id,
                sample.target,
                (8, sample.image.shape[1], 3),
                hashlib.sha256(sample.image.tobytes()).hexdigest(),
                attributes=sample.attributes,
            )
            for sample in samples
        ]


class Packaged(Dataset):
    """Four pictures that come inside a package."""

    name: ClassVar[str] = "packaged"
    packaged: ClassVar[bool] = True
    _folder: Any = PrivateAttr(default=None)

    def materialise(self, folder: Path) -> None:
        table = io.StringIO()
        writer = csv.DictWriter(table, ["id", "sha256", "label"], lineterminator="\n")
        writer.writeheader()
        for number in range(4):
            content = picture(3 * number).tobytes()
            (folder / f"{number}.raw").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            writer.writerow({"id": f"{number}.raw", "sha256": digest, "label": "all"})
        (folder / "manifest.csv").write_text(table.getvalue())

    def open(self, root: Path) -> None:
        super().open(root)
        self._folder = root

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("all",)

    def __len__(self) -> int:
        return 4

    def item(self, index: int) -> Sample:
        content = (self._folder / f"{range(4)[index]}.raw").read_bytes()
        image = np.frombuffer(content, np.uint8).reshape(8, 8, 3)
        return Sample(image, 0, f"{index}.raw")


class FromFiles(Dataset):
    """Names of the files in a folder that must be given."""

    name: ClassVar[str] = "from_files"
    path: str = Field(description="the folder")
    _files: tuple[str, ...] = PrivateAttr(default=())

    def location(self) -> str:
        return self.path

    def open(self, root: Path) -> None:
        super().open(root)
        folder = root / self.path
        self._files = tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")))

    @property
    def class_names(self) -> tuple[str, ...]:
        return ()

    def __len__(self) -> int:
        return len(self._files)

    def item(self, index: int) -> Sample:
        return Sample(np.zeros((4, 4), np.float32), None, self._files[index])


class TooBright(Boxes):
    """Leaves [0, 1] in one sample."""

    def item(self, index: int) -> Sample:
        sample = super().item(index)
        bright = np.full((8, 8), 1.5, np.float32)
        return replace(sample, image=bright) if index == 5 else sample


class Sequential(Boxes):
    """Turns the picture after the last one it gave."""

    _last: int = PrivateAttr(default=-1)

    def item(self, index: int) -> Sample:
        sample, after = super().item(index), self._last == 7
        self._last = index
        return replace(sample, image=sample.image[::-1].copy()) if after else sample


class DrawsGlobally(Boxes):
    """Draws from Python's global generator and forgets it."""

    def item(self, index: int) -> Sample:
        random.random()
        return super().item(index)


class ReadsTheSeed(Boxes):
    """Turns its pictures where the global seed is 1."""

    def item(self, index: int) -> Sample:
        sample, one = super().item(index), random.getstate() == random.Random(1).getstate()
        return replace(sample, image=sample.image[::-1].copy()) if one else sample


class TwinIds(Boxes):
    """Gives two samples one id."""

    def item(self, index: int) -> Sample:
        return replace(super().item(index), id=f"box-{max(index, 1)}")


class UnknownClass(Boxes):
    """Labels a sample with a class that is not there."""

    def item(self, index: int) -> Sample:
        sample = super().item(index)
        return replace(sample, target=2) if index == 3 else sample


class Endless(Boxes):
    """Has a sample behind the last one."""

    def item(self, index: int) -> Sample:
        return replace(super().item(index % 8), id=f"box-{index}")


class WrongIndex(Indexed):
    """Exchanges height and width in its index."""

    def index(self) -> list[IndexRow]:
        rows = super().index()
        return [replace(row, shape=(row.shape[1], row.shape[0], 3)) for row in rows]


class OtherBytes(Packaged):
    """Writes a random file beside the pictures."""

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        (folder / "when.txt").write_text(folder.name)


class WrongSum(Packaged):
    """Lists SHA-256 sums of something else."""

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        text = (folder / "manifest.csv").read_text()
        old = hashlib.sha256(picture(0).tobytes()).hexdigest()
        (folder / "manifest.csv").write_text(text.replace(old, "0" * 64))


class NoReason(Boxes):
    """Leaves a sample out without a word."""

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        return (("box-9", ""),)


class NotJSON(Boxes):
    """Tells the report a set."""

    def describe(self) -> dict[str, Any]:
        return {"splits": {"train", "test"}}


TWINS = {
    "opens_the_same": ReadsTheSeed,
    "ids": TwinIds,
    "targets": UnknownClass,
    "length": Endless,
    "index_agrees": WrongIndex,
    "materialises_the_same": OtherBytes,
    "manifest": WrongSum,
    "quarantined": NoReason,
    "facts_are_json": NotJSON,
}
SHARED = {"answers": TooBright, "no_memory": Sequential, "global_random_state": DrawsGlobally}
"""Checks of every plugin that mean something of their own for data sets."""


@pytest.mark.parametrize("plugin", [Boxes, Indexed, Packaged, FromFiles])
def test_sound_data_set_passes(plugin: Any) -> None:
    """A data set that keeps its promises fails nothing: in memory, packaged or of files."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS | SHARED)
def test_twin_fails_exactly_one_check(name: str) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed((TWINS | SHARED)[name]) == {name}


def test_no_check_lacks_a_twin() -> None:
    """Each check of data sets has a twin that fails it."""
    assert {check.name for check in DatasetBench.checks} == set(TWINS)


def test_own_folder_is_read_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A location that is there in the current folder is read, not the kit's pictures."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "only.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    found = check_plugin(FromFiles, parameters={"path": "scans"}, only=["length"])
    assert found.outcomes[0].message == "1 samples"


def test_temporary_folders_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is left behind in the folder for temporary files."""
    import gc
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    check_plugin(Packaged)
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ([[0]], "NumPy array"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((4, 4)), "uint8 or float32"),
        (np.full((4, 4), np.nan, np.float32), "in [0, 1]"),
    ],
)
def test_sample_faults(image: Any, fault: str) -> None:
    """What is wrong with a picture is said in words; a reference is held to the same."""
    good = np.zeros((4, 4), np.uint8)
    assert sample_fault(Sample(good, 0, "a")) is None
    assert fault in str(sample_fault(Sample(image, 0, "a")))
    assert "reference" in str(sample_fault(Sample(good, 0, "a", reference=image)))


@pytest.mark.parametrize(
    ("targets", "holds"),
    [
        ([0, 1], True),
        ([0, 2], False),
        ([None, None], True),
        ([0, None], False),
        ([0.5, 1.5], True),
        ([float("nan")], False),
        ([(0.1, 0.2), (0.3, 0.4)], True),
        ([(0.1, 0.2), (0.3,)], False),
        ([True], False),
    ],
)
def test_target_faults(targets: list[Any], holds: bool) -> None:
    """Targets are of one sort, finite, and class indices are classes."""
    assert (targets_fault(targets, ("a", "b")) is None) == holds
