"""Plugins with faults that a laxer check would pass, each failing exactly one check.

The twins beside their kinds show that a check finds something. These show that it is not
satisfied with less: with a crash for a refusal, a sum that cannot be looked up, a state that
was the same before.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from kit_subjects import Bands, Boxes, Darkest, Fade, Packaged, Search, small_image
from pydantic import PrivateAttr

from adversity import Sample, State
from adversity.contracts import API_VERSION, Degraded
from adversity.testing import check_plugin
from adversity.testing.common.fitted import ANOTHER_SEED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FromTheFuture(Fade):
    """Is written for a contract that is not there yet."""

    api: ClassVar[int] = API_VERSION + 1


class OnlySeeds(Fade):
    """Sets the global seed and draws nothing: after one call the state is always the same."""

    def degrade(self, images: Any, rng: Any) -> Any:
        torch.manual_seed(0)
        return super().degrade(images, rng)


class SetsUpTheHost(Fade):
    """Changes NumPy's error handling before the first call."""

    def setup(self, device: str) -> None:
        super().setup(device)
        np.seterr(under="warn")


class TellsMoreForASeed(Fade):
    """Adds side information for odd global seeds; the images are the same."""

    def degrade(self, images: Any, rng: Any) -> Any:
        side = {"odd": images.new_ones(len(images))} if torch.initial_seed() % 2 else {}
        return Degraded(super().degrade(images, rng), side)


class TellsLessAlone(Fade):
    """Leaves its side information out where all images of a block are one."""

    def degrade(self, images: Any, rng: Any) -> Any:
        several = len(set(rng.ids)) > 1
        side = {"several": images.new_ones(len(images))} if several else {}
        return Degraded(super().degrade(images, rng), side)


class CrashesUnfitted(Darkest):
    """Computes with what is not there yet."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return (images - self._black).clamp(0, 1)


class FitsByNumPy(Darkest):
    """Learns a number from NumPy's global generator."""

    def fit(self, data: Any, rng: Any) -> State:
        black = np.array([0.1 * np.random.rand()])  # noqa: NPY002  (what must not be done)
        return State({"black": black}, super().fit(data, rng).info)


class LearnsMoreTheSecondTime(Darkest):
    """Finds one array more under another global seed, and does not use it."""

    def fit(self, data: Any, rng: Any) -> State:
        found = super().fit(data, rng)
        second = random.getstate() == random.Random(ANOTHER_SEED).getstate()
        return State({**found.arrays, "more": np.ones(1)}, found.info) if second else found


class CentredOnTheBatch(Bands):
    """Subtracts the mean of the batch from its features: the order does not show in it."""

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        own = super().features(images)
        assert own is not None
        return own - own.mean(0)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return torch.sin(4 * Bands.features(self, images))  # type: ignore[operator]


class CrashesBehindTheLast(Boxes):
    """Has no sample behind the last one, and says so by a crash."""

    def item(self, index: int) -> Sample:
        if index == len(self):
            raise TypeError("no image")
        return super().item(index)


class Rewritten(Packaged):
    """Writes the same, with something else in the manifest."""

    def changed(self, text: str) -> str:
        return text

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        file = folder / "manifest.csv"
        file.write_text(self.changed(file.read_text()))


class OtherLabel(Rewritten):
    """Lists a sample under a class that it has not."""

    def changed(self, text: str) -> str:
        return text.replace(",all", ",none", 1)


class OneLess(Rewritten):
    """Lists all samples but the last."""

    def changed(self, text: str) -> str:
        return "".join(text.splitlines(keepends=True)[:-1])


class OneMore(Rewritten):
    """Lists a sample that is not there."""

    def changed(self, text: str) -> str:
        return f"{text}4.raw,{'0' * 64},all\n"


class InOneFile(Rewritten):
    """Keeps all images in one file, so that the sums are those of the raw values."""

    _pixels: Any = PrivateAttr(default=None)

    def materialise(self, folder: Path) -> None:
        super().materialise(folder)
        parts = sorted(folder.glob("*.raw"))
        (folder / "all.bin").write_bytes(b"".join(part.read_bytes() for part in parts))
        for part in parts:
            part.unlink()

    def open(self, root: Path) -> None:
        super().open(root)
        self._pixels = np.fromfile(root / "all.bin", np.uint8).reshape(4, 8, 8, 3)

    def item(self, index: int) -> Sample:
        return Sample(self._pixels[range(4)[index]], 0, f"{index}.raw")


class WrongSumInOneFile(InOneFile):
    """Lists the sum of something else for an image that has no file of its own."""

    def changed(self, text: str) -> str:
        return text.replace(hashlib.sha256(small_image(0).tobytes()).hexdigest(), "0" * 64)


class NeverFurther(Search):
    """Takes no larger eps than 8/255, whatever it is given."""

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        smaller = self.model_copy(update={"eps": min(self.eps, 8 / 255)})
        return Search.perturb(smaller, target, images, labels, rng)


TWINS = (
    (FromTheFuture, "identity"),
    (OnlySeeds, "global_random_state"),
    (SetsUpTheHost, "host_left_alone"),
    (TellsMoreForASeed, "same_seed"),
    (TellsLessAlone, "alone"),
    (CrashesUnfitted, "unfitted_refuses"),
    (FitsByNumPy, "same_fit"),
    (LearnsMoreTheSecondTime, "same_fit"),
    (CentredOnTheBatch, "features_by_row"),
    (CrashesBehindTheLast, "length"),
    (OtherLabel, "manifest"),
    (OneLess, "manifest"),
    (OneMore, "manifest"),
    (WrongSumInOneFile, "manifest"),
    (NeverFurther, "larger_eps"),
)


@pytest.mark.parametrize(("twin", "check"), TWINS, ids=[twin.__name__ for twin, _ in TWINS])
def test_twin_fails_exactly_its_check(
    twin: Any, check: str, failed: Callable[..., dict[str, str]]
) -> None:
    """One thing is wrong, and one check says so."""
    given = {"norm": "linf", "eps": 8 / 255} if issubclass(twin, Search) else None
    assert failed(twin, parameters=given).keys() == {check}


@pytest.mark.parametrize("plugin", [Rewritten, InOneFile])
def test_sound_parent_passes(plugin: Any) -> None:
    """The data sets that twins here are made from keep every promise."""
    assert check_plugin(plugin).passed


def test_a_crash_is_told_as_what_it_is() -> None:
    """Where a refusal was expected, the message says which error came instead."""
    (outcome,) = check_plugin(CrashesUnfitted, only=["unfitted_refuses"], raises=False).outcomes
    assert outcome.message.startswith("expected NotFittedError before fitting, got ")
    assert "TypeError" in outcome.message
    (outcome,) = check_plugin(CrashesBehindTheLast, only=["length"], raises=False).outcomes
    assert "to raise IndexError, got TypeError" in outcome.message
