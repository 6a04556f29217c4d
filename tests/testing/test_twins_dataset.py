"""For each check of data sets, one that fails exactly that one."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from kit_subjects import Boxes, FromFiles, Packaged, small_image
from pydantic import PrivateAttr

from adversity.contracts import IndexRow
from adversity.testing import check_plugin
from adversity.testing.kinds.dataset import DatasetBench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from adversity import Sample


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


class Paired(Indexed):
    """The same with references of twice the size, where the number is even."""

    def item(self, index: int) -> Sample:
        sample = super().item(index)
        if index % 2:
            return sample
        return replace(sample, reference=sample.image.repeat(2, 0).repeat(2, 1))

    def index(self) -> list[IndexRow]:
        samples = [self.item(number) for number in range(len(self))]
        return [
            row
            if sample.reference is None
            else replace(
                row,
                reference=hashlib.sha256(sample.reference.tobytes()).hexdigest(),
                reference_shape=(16, sample.reference.shape[1], 3),
            )
            for row, sample in zip(super().index(), samples, strict=True)
        ]


class TooBright(Boxes):
    """Leaves [0, 1] in one sample."""

    def item(self, index: int) -> Sample:
        sample = super().item(index)
        bright = np.full((8, 8), 1.5, np.float32)
        return replace(sample, image=bright) if index == 5 else sample


class Sequential(Boxes):
    """Turns the image after the last one it gave."""

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
    """Turns its images where the global seed is 1."""

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


class OneHash(Paired):
    """Gives all references one hash: an edit of one goes unnoticed."""

    def index(self) -> list[IndexRow]:
        return [
            row if row.reference is None else replace(row, reference="0") for row in super().index()
        ]


class OfTheSameSize(Paired):
    """Says nothing of the size of its references, which is not that of the images."""

    def index(self) -> list[IndexRow]:
        return [replace(row, reference_shape=None) for row in super().index()]


class AllPaired(Paired):
    """Its index has references that the samples lack."""

    def index(self) -> list[IndexRow]:
        return [replace(row, reference=row.content) for row in super().index()]


class OtherBytes(Packaged):
    """Writes a random file beside the images."""

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        (folder / "when.txt").write_text(folder.name)


class WrongSum(Packaged):
    """Lists SHA-256 sums of something else."""

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        text = (folder / "manifest.csv").read_text()
        old = hashlib.sha256(small_image(0).tobytes()).hexdigest()
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


class Coarse(Boxes):
    """Has classes that are several of a network's."""

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        return {"even": ("zero", "two"), "odd": ("one",)}


class Shared(Coarse):
    """Gives one of a network's to two of its own."""

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        return {"even": ("zero", "two"), "odd": ("one", "two")}


class Foreign(Coarse):
    """Names a class that it has not, or no network's, or text for several."""

    of: int = 0

    @property
    def class_members(self) -> Any:
        return ({"evn": ("zero",)}, {"even": ()}, {"even": "zero"}, [("even", ("zero",))])[self.of]


TWINS = {
    "opens_the_same": ReadsTheSeed,
    "ids": TwinIds,
    "targets": UnknownClass,
    "members_of_classes": Shared,
    "length": Endless,
    "index_agrees": WrongIndex,
    "references_are_known": OneHash,
    "materialises_the_same": OtherBytes,
    "manifest": WrongSum,
    "quarantined": NoReason,
    "facts_are_json": NotJSON,
}
SHARED = {"answers": TooBright, "no_memory": Sequential, "global_random_state": DrawsGlobally}
"""Checks of every plugin that mean something of their own for data sets."""


@pytest.mark.parametrize("plugin", [Boxes, Indexed, Paired, Packaged, FromFiles, Coarse])
def test_sound_data_set_passes(plugin: Any) -> None:
    """A data set that keeps its promises fails nothing: in memory, packaged or of files."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS | SHARED)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed((TWINS | SHARED)[name]).keys() == {name}


@pytest.mark.parametrize("plugin", [OfTheSameSize, AllPaired])
def test_other_faults_of_references_fail_the_same_check(
    plugin: Any, failed: Callable[..., dict[str, str]]
) -> None:
    """A size that is not said, and a reference that is not there."""
    assert failed(plugin).keys() == {"references_are_known"}


def test_no_check_lacks_a_twin() -> None:
    """Each check of data sets has a twin that fails it."""
    assert {check.name for check in DatasetBench.checks} == set(TWINS)


def test_nothing_left_out_is_not_tried() -> None:
    """Without samples that are left out there is no reason to look at."""
    (outcome,) = check_plugin(Boxes, only=["quarantined"], raises=False).outcomes
    assert (outcome.status, outcome.message) == ("skipped", "nothing is left out")


@pytest.mark.parametrize("of", range(4))
def test_members_of_no_class_are_found(of: int) -> None:
    """A class that is none of the set, no member, text for a tuple, a list for a mapping."""
    report = check_plugin(Foreign, parameters={"of": of}, only=["members_of_classes"], raises=False)
    assert [one.status for one in report.outcomes] == ["failed"], report
