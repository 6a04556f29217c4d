"""Images of more channels than colour has: computed where plugins claim them, else refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch

import adversity
from adversity import Classifier, Dataset, Degradation, Sample
from adversity.data.pixels import checked
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import build_report
from adversity.errors import DataError, InputError, PluginError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.report.writers.image_grid import grid

if TYPE_CHECKING:
    from pathlib import Path


class Bands(Dataset):
    """Eight images of twelve bands."""

    name: ClassVar[str] = "bands"
    image_channels: ClassVar[tuple[int, ...] | None] = (12,)

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return 8

    def item(self, index: int) -> Sample:
        draw = np.random.default_rng(range(8)[index])
        image = draw.uniform(0.2, 0.8, (14, 13, 12)).astype(np.float32)
        return Sample(image, int(image.mean() > 0.5), f"s{index}")


class Unclaimed(Bands):
    """The same, and says nothing of its channels."""

    name: ClassVar[str] = "unclaimed"
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)


class Darker(Degradation):
    """Take 0.05 from every value, in any number of channels."""

    name: ClassVar[str] = "darker"
    image_channels: ClassVar[None] = None

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        return images - 0.05


class Mean(Classifier):
    """Says b where the mean of twelve bands is high."""

    name: ClassVar[str] = "mean"
    differentiable: ClassVar[bool] = True
    image_channels: ClassVar[tuple[int, ...] | None] = (12,)

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([0.45 - mean, mean - 0.45], 1)


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs steps on a data set `photos`; returns plan, workspace and results."""

    def ran(steps: str, data: str = "uses: dataset/bands", more: str = "") -> Any:
        file = tmp_path / "pipelines/p.yaml"
        file.parent.mkdir(exist_ok=True)
        text = f"name: p\ndata:\n  photos: {{{data}}}\n{more}steps:\n{steps}"
        file.write_text(text, encoding="utf-8")
        toys = (Bands, Unclaimed, Darker, Mean)
        plan = make_plan(load_pipeline(file, root=tmp_path), registry_with(*toys))
        workspace = Workspace(tmp_path, tmp_path / "out", tmp_path / "store")
        steps_of = [stage.step for stage in plan.stages if stage.step != "report"]
        return plan, workspace, {step: compute_stage(plan, step, workspace, 1) for step in steps_of}

    return ran


CHAIN = """
  darker: {uses: degradation/darker, from: photos}
  net: {uses: classifier/mean}
  answers: {uses: net, from: darker}
  attacked: {uses: attack/fgsm, from: darker, against: answers, with: {eps: 1/64}}
"""


def test_twelve_bands_go_the_whole_way(run: Any) -> None:
    """0.05 darker is 26.02 dB; FGSM moves each of the values of a linear victim by eps."""
    plan, workspace, results = run(f"{CHAIN}  quality: {{uses: metric/psnr, from: darker}}\n")
    quality = -10 * np.log10(0.05**2)
    assert results["quality"].measures[""]["psnr_db"].value == pytest.approx(quality, abs=1e-4)
    assert results["answers"].measures[""]["psnr_db"].value == pytest.approx(quality, abs=1e-4)
    assert results["answers"].measures[""]["accuracy"].value == 1.0
    table = read_table(workspace.outputs / "artifacts/p/attacked/table.parquet")
    np.testing.assert_allclose(table["distance"], 1 / 64, atol=1e-7)
    assert table["fooled"].any()
    report = build_report(plan, workspace)
    tiles = [tile for row in grid(report.rows, size=64) for tile in row.tiles]
    assert tiles
    shown = [tile.lines for tile in tiles if tile.role != "perturbation"]
    assert all("mean of 12 channels" in lines for lines in shown)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            """
  lighter: {uses: restoration/gamma_correction, from: photos}
  net: {uses: classifier/mean}
  answers: {uses: net, from: lighter}
""",
            r'p.yaml:6: restoration "gamma_correction" .* takes images of 1 or 3 channels, got 12 in',
        ),
        (
            f"{CHAIN}  bad: {{uses: attack/square, from: darker, against: answers, with: {{eps: 0.1}}}}\n",
            r'attack "square" .* takes images of 1 or 3 channels, got 12 in photos',
        ),
        (
            """
  darker: {uses: degradation/darker, from: photos}
  bad: {uses: metric/psnr, from: darker, with: {channels: luma}}
""",
            r'metric "psnr" .* takes images of 1 or 3 channels, got 12 in photos',
        ),
        (
            "  net: {uses: classifier/logistic_regression, fit_on: photos}\n",
            r'classifier "logistic_regression" .* takes images of 1 or 3 channels, got 12 in photos',
        ),
    ],
    ids=["restoration", "attack", "metric", "fit"],
)
def test_a_step_that_does_not_claim_them_is_refused(run: Any, steps: str, words: str) -> None:
    """With its line, before anything of it is computed."""
    with pytest.raises(InputError, match=words):
        run(steps)


def test_of_plugins_that_take_turns_the_one_that_does_not_claim_them_is_named(run: Any) -> None:
    """Not the first one, which does."""
    words = r'degradation "low_light" .* takes images of 1 or 3 channels, got 12 in photos'
    steps = """
  dark: {uses: degradation/$way, from: photos, with: {severity: 1}}
  quality: {uses: metric/psnr, from: dark}
"""
    with pytest.raises(InputError, match=words):
        run(steps, more="matrix: {way: [gaussian_noise, low_light]}\n")


def test_a_metric_of_colour_is_left_out_and_says_so(run: Any) -> None:
    """Under `metrics:`, where it measures every step that it can."""
    more = "metrics: [{uses: metric/psnr, with: {channels: luma}}]\n"
    _, _, results = run(CHAIN, more=more)
    assert "psnr_db" not in results["answers"].measures[""]
    assert any(
        "psnr_db is missing for 8 of 8 rows" in note
        and "or has other channels: psnr takes images of 1 or 3 channels, got 12" in note
        for note in results["answers"].notes
    )
    assert "ssim" in results["answers"].measures[""]


def test_a_data_set_must_claim_its_channels(run: Any) -> None:
    """An array whose last axis is none of the claimed numbers is a fault of its author."""
    with pytest.raises(PluginError, match=r"expected shape \[H, W\] or \[H, W, 3\], got \[14, 13,"):
        run(CHAIN, data="uses: dataset/unclaimed")


@pytest.mark.parametrize("prepare", ["{resize_short: 12, centre_crop: 12}", "{multiple_of: 4}"])
def test_prepare_works_on_each_band(run: Any, prepare: str) -> None:
    """Twelve bands of 12 x 12 come out; colour cannot be made of them."""
    _, _, results = run(CHAIN, data=f"uses: dataset/bands, prepare: {prepare}")
    assert results["answers"].measures[""]["psnr_db"].value == pytest.approx(26.0206, abs=1e-3)
    with pytest.raises(DataError, match="makes colour of grey images, and the image has 12"):
        run(CHAIN, data="uses: dataset/bands, prepare: {channels: 3}")


def test_from_python_the_claims_hold_too() -> None:
    """Noise of five channels; a restoration that does not claim them says what it takes."""
    images = torch.full((2, 5, 8, 8), 0.5)
    noise = adversity.create("degradation", "gaussian_noise", sigma=0.1)
    worse = noise(images)
    assert worse.shape == images.shape
    assert 0.05 < float((worse - 0.5).std()) < 0.15
    with pytest.raises(DataError, match=r"with C = 1 or 3, got \[2, 5, 8, 8\]"):
        adversity.create("restoration", "gamma_correction")(images)


def test_channels_on_another_axis_are_noticed_where_any_number_may_come() -> None:
    """[N, H, W, 3] is no image of H channels, nor [3, H, W] of a data set one of W."""
    noise = adversity.create("degradation", "gaussian_noise", sigma=0.1)
    with pytest.raises(DataError, match=r"got \[2, 8, 8, 3\]; write images.permute\(0, 3, 1, 2\)"):
        noise(torch.full((2, 8, 8, 3), 0.5))
    with pytest.raises(PluginError, match=r"got \[3, 8, 9\]; write image.transpose\(1, 2, 0\)"):
        checked(np.zeros((3, 8, 9), np.uint8), "sample 'a'", None)
    assert checked(np.zeros((8, 9, 12), np.uint8), "sample 'a'", None).shape == (8, 9, 12)
