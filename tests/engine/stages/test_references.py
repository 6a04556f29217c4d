"""What images are compared with: their clean references, what was degraded first, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
import torch

from adversity import Block, Classifier, Dataset, Degradation, Fitted, Restoration, Sample, State
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.run import _stage
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.example_images import image_rows
from adversity.engine.summary.summarise import build_report
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.report.sections.data_sets import data_section
from adversity.report.words.reading import labels

if TYPE_CHECKING:
    from pathlib import Path


class Pairs(Dataset):
    """Random squares, each 0.1 brighter than its reference, which may be larger or missing."""

    name: ClassVar[str] = "pairs"
    partners: Literal["all", "none", "some"] = "none"
    scale: int = 1
    size: int = 12
    seed: int = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return 10

    def item(self, index: int) -> Sample:
        index = range(10)[index]
        draw = np.random.default_rng([index, self.seed])
        clean = draw.uniform(0.2, 0.7, (self.size, self.size)).astype(np.float32)
        there = self.partners == "all" or (self.partners == "some" and index % 2 == 0)
        reference = np.kron(clean, np.ones((self.scale, self.scale), np.float32))
        return Sample(clean + np.float32(0.1), index % 2, f"s{index}", reference if there else None)


class Darker(Degradation):
    """Take 0.05 from every value, which leaves the range [0, 1] for none of the images here."""

    name: ClassVar[str] = "darker"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        return images - 0.05


class Repeat(Restoration):
    """Twice as many rows and columns, each value four times."""

    name: ClassVar[str] = "repeat"
    scale: ClassVar[int] = 2

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Keep(Restoration):
    """Leaves every image as it is."""

    name: ClassVar[str] = "keep"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images


class Learner(Restoration, Fitted):
    """Remembers the size of the references it was fitted on, and what they differ by."""

    name: ClassVar[str] = "learner"
    fits_on: ClassVar[Literal["images"]] = "images"

    def fit(self, data: Any, rng: Any) -> State:
        blocks: list[Block] = list(data)
        sizes = [None if b.references is None else list(b.references.shape) for b in blocks]
        sums = [None if b.references is None else float(b.references.mean()) for b in blocks]
        return State({"one": np.ones(1)}, {"sizes": sizes, "means": sums})

    def load(self, state: State) -> None:
        self._loaded = True

    _loaded: bool = False

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images


class Bright(Classifier):
    """Says b where an image is bright."""

    name: ClassVar[str] = "bright"
    differentiable: ClassVar[bool] = True

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([0.55 - mean, mean - 0.55], 1)


TOYS = (Pairs, Darker, Repeat, Keep, Learner, Bright)


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs steps on a data set `photos`; returns plan, workspace and results."""

    def ran(data: str, steps: str, *overrides: str, only: str | None = None) -> Any:
        file = tmp_path / "pipelines/p.yaml"
        file.parent.mkdir(exist_ok=True)
        photos = f"  photos: {{uses: dataset/pairs, {data}}}\n"
        file.write_text(f"name: p\ndata:\n{photos}steps:\n{steps}", encoding="utf-8")
        loaded = load_pipeline(file, root=tmp_path, overrides=overrides)
        plan = make_plan(loaded, registry_with(*TOYS))
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        workspace = Workspace(tmp_path, out, tmp_path / "store")
        wanted = [s.step for s in plan.stages if s.step != "report" and only in (None, s.step)]
        return plan, workspace, {step: _stage(plan, step, workspace, 1) for step in wanted}

    return ran


CHAIN = """
  darker: {uses: degradation/darker, from: photos}
  net: {uses: classifier/bright}
  answers: {uses: net, from: darker}
  attacked: {uses: attack/random_noise, from: darker, against: answers, with: {eps: 4/255}}
"""
REFUSED = "photos has no clean references, and its images are degraded already"


def column(workspace: Any, step: str, name: str = "psnr_db") -> Any:
    """Return a column of a step's table."""
    return read_table(workspace.outputs / "artifacts/p" / step / "table.parquet")[name]


def test_degraded_images_without_references_are_scored_against_nothing(run: Any) -> None:
    """Behind a degradation and behind an attack: no value, no measure, and the step says why."""
    _, workspace, results = run("images: degraded", CHAIN)
    for step in ("answers", "attacked"):
        assert np.isnan(column(workspace, step)).all()
        assert "psnr_db" not in results[step].measures[""]
        assert any(f"psnr_db, ssim cannot be measured: {REFUSED}" in n for n in results[step].notes)


def test_clean_images_are_scored_against_what_was_degraded(run: Any) -> None:
    """0.05 darker is a mean squared error of 0.0025: 26.02 dB, whether or not it is written."""
    for written in ("images: clean", "with: {size: 12}"):
        _, _, results = run(written, CHAIN)
        value = results["answers"].measures[""]["psnr_db"].value
        assert value == pytest.approx(-10 * np.log10(0.0025), abs=1e-4)


def test_references_count_whatever_the_images_are_taken_for(run: Any) -> None:
    """0.1 brighter is 20 dB on the data themselves; 0.05 darker than that, 26.02 dB."""
    steps = f"{CHAIN}\n  quality: {{uses: metric/psnr, from: photos}}\n"
    for images in ("degraded", "clean"):
        _, _, results = run(f"with: {{partners: all}}, images: {images}", steps)
        assert results["quality"].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
        value = results["answers"].measures[""]["psnr_db"].value
        assert value == pytest.approx(-10 * np.log10(0.0025), abs=1e-4)


def test_a_step_that_needs_clean_images_refuses_degraded_ones(run: Any) -> None:
    """With its line, before anything is computed."""
    steps = f"{CHAIN}\n  quality: {{uses: metric/psnr, from: darker}}\n"
    with pytest.raises(DataError) as caught:
        run("images: degraded", steps, only="quality")
    assert f"compares images with clean ones: {REFUSED} (images: degraded)" in str(caught.value)
    assert "pipelines/p.yaml:" in str(caught.value)
    run("images: clean", steps, only="quality")


def test_what_the_images_are_taken_for_is_in_the_keys(run: Any) -> None:
    """In one store: rows that were measured with another partner are not taken."""
    _, workspace, _ = run("images: clean", CHAIN)
    assert np.isfinite(column(workspace, "answers")).all()
    _, workspace, _ = run("images: degraded", CHAIN)
    assert np.isnan(column(workspace, "answers")).all()


@pytest.mark.parametrize("images", ["clean", "degraded"])
def test_the_report_calls_only_clean_images_clean(run: Any, images: str) -> None:
    """Example images, the names of paths, and the table of data sets."""
    steps = f"{CHAIN}\n  plain: {{uses: net, from: photos}}\n"
    plan, workspace, _ = run(f"images: {images}", steps)
    rows, _ = image_rows(Toolbox(plan, workspace))
    assert rows
    for row in rows:
        assert [shown.role for shown in row.images] == [images, "degraded", "adversarial"]
        assert all((shown.psnr_db is None) == (images == "degraded") for shown in row.images[1:])
    report = build_report(plan, workspace)
    assert labels(report, [step for step in report.steps if step.path])["plain"] == images
    table = data_section(report).blocks[0]  # type: ignore[union-attr]
    said = {"clean": "taken for clean", "degraded": "degraded, no references"}
    assert table.rows[0][4] == said[images]  # type: ignore[union-attr]


def test_the_report_shows_the_reference_as_the_clean_image(run: Any) -> None:
    """The sample's image is degraded then, 20 dB from it."""
    plan, workspace, _ = run("with: {partners: all}", CHAIN)
    rows, _ = image_rows(Toolbox(plan, workspace))
    for row in rows:
        clean, given = row.images[:2]
        assert (clean.role, given.role) == ("clean", "degraded")
        np.testing.assert_array_equal(given.image, clean.image + np.float32(0.1))
        assert given.psnr_db == pytest.approx(20, abs=1e-4)
    report = build_report(plan, workspace)
    assert (report.data[0].images, report.data[0].references) == ("degraded", 10)


def states(workspace: Any, step: str) -> dict[str, Any]:
    """Return what fitting left in the info of a state."""
    (file,) = (workspace.outputs / "artifacts/p" / step / "states").iterdir()
    return dict(read_arrays(file)[1])


FIT = """
  darker: {uses: degradation/darker, from: photos}
  fitted: {uses: restoration/learner, fit_on: darker}
"""


def test_a_fit_gets_no_references_of_degraded_images(run: Any) -> None:
    """Of clean ones it gets what they were."""
    _, workspace, _ = run("images: degraded", FIT)
    assert states(workspace, "fitted")["sizes"] == [None]
    _, workspace, _ = run("images: clean", FIT)
    assert states(workspace, "fitted")["sizes"] == [[10, 1, 12, 12]]


ENLARGED = """
  larger: {uses: restoration/repeat, from: photos}
  net: {uses: classifier/bright}
  kept: {uses: restoration/keep, from: photos}
  small: {uses: net, from: kept}
  answers: {uses: net, from: larger}
  quality: {uses: metric/psnr, from: larger}
  fitted: {uses: restoration/learner, fit_on: photos}
"""


def test_references_of_another_size_are_compared_where_the_size_is_one(run: Any) -> None:
    """Twice as large: 20 dB behind a restoration that enlarges, nothing before it, and it is said."""
    _, workspace, results = run("with: {partners: all, scale: 2}", ENLARGED)
    for step in ("answers", "quality"):
        assert results[step].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
    assert np.isnan(column(workspace, "small")).all()
    assert "psnr_db" not in results["small"].measures[""]
    missing = "psnr_db is missing for 10 of 10 rows: the image has another size than the clean one"
    assert any(missing in note for note in results["small"].notes)


def test_a_step_that_could_compare_no_image_says_which_size(run: Any) -> None:
    """All are smaller than their references: an error with the step's line, no empty mean."""
    steps = f"{ENLARGED}  bad: {{uses: metric/psnr, from: photos}}\n"
    with pytest.raises(
        DataError, match=r"could measure none of the images of photos: each has another size"
    ):
        run("with: {partners: all, scale: 2}", steps, only="bad")


def test_references_of_another_size_reach_a_fit(run: Any) -> None:
    """Their size and their mean, which is the images' less 0.1."""
    plan, workspace, _ = run("with: {partners: all, scale: 2}", ENLARGED)
    learnt = states(workspace, "fitted")
    assert learnt["sizes"] == [[10, 1, 24, 24]]
    images = Toolbox(plan, workspace).source("photos").images(range(10))
    assert learnt["means"] == pytest.approx([float(images.mean()) - 0.1], abs=1e-5)


@pytest.mark.parametrize("sizes", [(64, 256), (3, 4), (1, 1)])
def test_samples_without_references_change_nothing_for_those_with(run: Any, sizes: Any) -> None:
    """Whatever the batches: 20 dB from the reference; nothing where there is none to compare with.

    Data with references are degraded: behind a degradation those without are not compared with
    what they were before it either, and the step says why.
    """
    batch, shard = f"run.batch_size={sizes[0]}", f"run.shard_size={sizes[1]}"
    steps = f"{CHAIN}  plain: {{uses: metric/psnr, from: photos}}\n"
    _, workspace, results = run("with: {partners: some}", steps, batch, shard)
    for step, decibels in (("plain", 20), ("answers", -10 * np.log10(0.0025))):
        values = dict(zip(column(workspace, step, "id"), column(workspace, step), strict=True))
        assert all(np.isnan(values[f"s{i}"]) for i in range(1, 10, 2))
        assert [values[f"s{i}"] for i in range(0, 10, 2)] == pytest.approx([decibels] * 5, abs=1e-4)
    why = "psnr_db is missing for 5 of 10 rows: the image has no clean one to be compared with"
    assert any(why in note for note in results["answers"].notes)
    assert results["plain"].measures[""]["psnr_db"].n == 5


def test_a_crop_to_a_multiple_reaches_the_references(run: Any) -> None:
    """13 pixels become 12, the references 24; enlarged they are as large again."""
    data = "with: {partners: all, scale: 2, size: 13}, prepare: {multiple_of: 4}"
    _, workspace, results = run(data, ENLARGED)
    assert states(workspace, "fitted")["sizes"] == [[10, 1, 24, 24]]
    assert results["quality"].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
