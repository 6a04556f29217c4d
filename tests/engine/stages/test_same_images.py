"""Images that fitted are found among those that judge, whatever names and options say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from adversity import Dataset, Sample
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import PipelineError
from adversity.provenance import pixels_sha256

if TYPE_CHECKING:
    from pathlib import Path


class Arrays(Dataset):
    """The PNG files of a folder, read in a way of its own and without an index."""

    name: ClassVar[str] = "arrays"
    path: str
    first: int = 0

    def location(self) -> str:
        return self.path

    def open(self, root: Path) -> None:
        super().open(root)
        self._files = sorted((root / self.path).rglob("*.png"))[self.first :]

    _files: Any = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return len(self._files)

    def item(self, index: int) -> Sample:
        file = self._files[index]
        pixels = np.asarray(Image.open(file).convert("RGB")).astype(np.float32) / np.float32(255)
        return Sample(pixels, ("a", "b").index(file.parent.name), f"n{index + self.first}")


NET = """
  net: {uses: classifier/nearest_neighbours, fit_on: train, with: {neighbours: 1}}
  clean: {uses: net, from: test}"""


def test_copies_under_other_names_are_refused_with_their_number(
    doubles: Path, plan_of: Any, refusal: Any
) -> None:
    """Eight copies of files are found before anything is fitted; three of them are shown."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += "  test: {uses: dataset/folder, with: {path: data/test}}"
    found = refusal(plan_of(data, NET))
    own = len(list((doubles / "data/test").rglob("*.png")))
    assert found.startswith(
        f"pipelines/p.yaml:8: clean would be judged on images that fitted net: 8 of the {own} "
        "images of test are among those of train, such as a/00.png ("
    )
    assert found.count(" there)") == 3
    for line in found.split("such as ")[1].split("; fit")[0].split(", "):
        mine, theirs = line.removesuffix(" there)").split(" (")
        assert (doubles / "data/test" / mine).read_bytes() == (
            doubles / "data/train" / theirs
        ).read_bytes()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("data/train/", ""),
        ("data/train, background: black", ""),
        ("data/train, classes: [b, a]", ""),
        ("data/train", ", prepare: {resize_short: 4}"),
        ("data/tiff", ""),
    ],
    ids=["slash", "background", "classes", "prepare", "another format"],
)
def test_other_settings_make_no_other_images(
    plan_of: Any, refusal: Any, settings: str, where: str
) -> None:
    """One folder in other words, and its pixels in another lossless format, are the same images."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += f"  test: {{uses: dataset/folder, with: {{path: {settings}}}{where}}}"
    try:
        found = refusal(plan_of(data, NET))
    except PipelineError as error:  # known while planning: the settings are equal
        found = str(error)
        assert "hold the same images" in found
    else:
        assert "40 of the 40 images of test are among those of train" in found
    assert "clean would be judged on images that fitted net" in found


def test_another_data_set_plugin_reads_the_same_images(plan_of: Any, refusal: Any) -> None:
    """Colour in float32 from a plugin without an index is the grey file of the folder."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += "  test: {uses: dataset/arrays, with: {path: data/tiff/../train, first: 37}}"
    found = refusal(plan_of(data, NET, Arrays))
    assert "3 of the 3 images of test are among those of train" in found


@pytest.mark.parametrize("judged", ["split: all", "split: train, limit: 60"])
def test_splits_that_overlap_are_refused(
    doubles: Path, tmp_path: Path, plan_of: Any, refusal: Any, judged: str
) -> None:
    """Digits: a part of a split is no other split, and `all` holds every one."""
    data = "  train: {uses: dataset/digits, with: {split: train, limit: 120}}\n"
    data += f"  test: {{uses: dataset/digits, with: {{{judged}}}}}"
    plan = plan_of(data, NET)
    stage = plan.stages[0]
    stage_run = open_stage(plan, stage, Workspace(doubles, tmp_path, tmp_path / "store"))
    stage_run.finish(tmp_path / stage.out)
    shared = "120 of the 1797" if "all" in judged else "60 of the 60"
    assert f"{shared} images of test are among those of train" in refusal(plan, first="net")


def test_pixels_are_known_by_what_they_show() -> None:
    """Types and equal channels change nothing; one level, one place or another shape does."""
    grey = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    colour = np.stack([grey] * 3, axis=2)
    same = [grey[:, :, None], colour, grey / np.float32(255), colour / np.float32(255)]
    same.append((grey.astype(np.float32) * 257) / np.float32(65535))  # 16 bits with the same values
    assert {pixels_sha256(image) for image in same} == {pixels_sha256(grey)}
    other = grey.copy()
    other[2, 3] ^= 1
    deep = grey / np.float32(255)
    deep[2, 3] = np.nextafter(deep[2, 3], np.float32(2))
    tinted = colour.copy()
    tinted[4, 6, 2] ^= 1
    different = [other, deep, tinted, grey.T, grey.reshape(7, 5)]
    assert len({pixels_sha256(image) for image in [grey, *different]}) == 6
