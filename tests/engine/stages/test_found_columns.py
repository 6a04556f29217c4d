"""What restorations found in a run: columns of tables, the same in any batch, for metrics to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as photos

import adversity
from adversity import Measure, Metric, Restoration, Restored, Table
from adversity.contracts import KINDS
from adversity.data.tables import read_table
from adversity.registry import Entry, discover

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Blind(Restoration):
    """Find a kernel of 3 or 5 pixels, by the brightness of the image, and the brightness."""

    name: ClassVar[str] = "blind"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> Restored:
        light = images.mean(dim=(1, 2, 3))
        size = 3 if float(light[0]) < 0.45 else 5
        kernel = torch.full((1, 1, size, size), 1 / size**2)
        return Restored(images.clone(), {"light": light, "kernel": kernel})


class Sharpen(Restoration):
    """Darken by the size of the kernel it is given."""

    name: ClassVar[str] = "sharpen"
    needs: ClassVar[tuple[str, ...]] = ("kernel",)

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images / needs["kernel"].shape[-1]


class MeanLight(Metric):
    """The mean of what `blurred` found."""

    name: ClassVar[str] = "mean_light"
    wants: ClassVar[tuple[str, ...]] = ("found.light",)
    produces: ClassVar[tuple[str, ...]] = ("mean_light",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        values = table["found.light"]
        return {"mean_light": Measure(float(values.mean()), len(values))}


class _Registry:
    kinds = KINDS

    def __init__(self) -> None:
        self._own = {cls.name: cls for cls in (Blind, Sharpen, MeanLight)}

    def entries(self, kind: str | None = None) -> Any:
        return discover().entries(kind)

    def get(self, kind: str, name: str) -> Entry:
        cls: Any = self._own.get(name)
        return discover().get(kind, name) if cls is None else Entry(kind, name, cls, "t", "1", 1)


STEPS = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  denoised: {uses: restoration/non_local_means, from: noisy}
  found: {uses: restoration/blind, from: denoised}
  sharp: {uses: restoration/sharpen, from: found}
  answers: {uses: net, from: sharp}
  light: {uses: metric/mean_light, from: answers}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve crops of photos with clipped noise of sigma 0.1: real noisy images, no references."""
    root = tmp_path_factory.mktemp("found")
    rng = np.random.default_rng(0)
    for number in range(12):
        photo = (photos.astronaut(), photos.coffee())[number % 2] / 255
        crop = photo[20 * number : 20 * number + 32, 100:132]
        for name, pixels in (
            ("train", crop),
            ("noisy", crop[::-1] + 0.1 * rng.standard_normal(crop.shape)),
        ):
            place = root / "data" / name / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray((255 * pixels.clip(0, 1)).round().astype(np.uint8))
            image.save(place / f"{number:02d}.png")
    (root / "pipelines").mkdir()
    return root


def run(root: Path, out: Path, batch: int, noise: str = "") -> Any:
    """Run the chain; return a function from a step to its table."""
    file = root / "pipelines/p.yaml"
    steps = STEPS.replace("from: noisy", "from: noisier") + noise if noise else STEPS
    file.write_text(
        f"name: p\nrun: {{batch_size: {batch}}}\ndata:\n"
        "  train: {uses: dataset/folder, with: {path: data/train}}\n"
        f"  noisy: {{uses: dataset/folder, with: {{path: data/noisy}}}}\nsteps:\n{steps}",
        encoding="utf-8",
    )
    adversity.run(file, into=out, root=root)
    return lambda step: read_table(out / f"artifacts/p/{step}/table.parquet")


def test_numbers_that_were_found_are_columns(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of estimated noise scikit-image's; kernels are none, and reach the next restoration.

    In batches of 1 and of 12 the tables are the same to the bit.
    """
    monkeypatch.setattr("adversity.registry.discover", _Registry)
    noise = "\n  noisier: {uses: degradation/gaussian_noise, from: noisy, with: {sigma: 0.02}}\n"
    noise += "  quality: {uses: metric/psnr, from: found}\n"
    tables = [run(root, tmp_path / str(batch), batch, noise) for batch in (1, 12)]
    one, twelve = (table("answers") for table in tables)
    assert one.keys() == twelve.keys()
    assert all(np.array_equal(one[name], twelve[name]) for name in one)
    # The degradation's own sigma goes first, and is what was used.
    assert np.allclose(one["denoised.sigma"], 0.02)
    assert set(one["denoised_sigma"]) == {"side"}
    assert set(one["sharp_kernel"]) == {"found.kernel"}
    assert "found.kernel" not in one
    quality = tables[1]("quality")
    assert np.array_equal(quality["found.light"], twelve["found.light"])


def test_an_estimate_is_in_the_table_and_a_metric_reads_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says the noise level: each row has the estimate that was used, 0.1 but for texture.

    A metric of tables reads what another restoration found by its column's name.
    """
    monkeypatch.setattr("adversity.registry.discover", _Registry)
    table = run(root, tmp_path, 12)
    rows = table("answers")
    assert set(rows["denoised_sigma"]) == {"estimate"}
    assert rows["denoised.sigma"].mean() == pytest.approx(0.1, rel=0.2)
    files = {file.stem: file for file in (root / "data/noisy").rglob("*.png")}
    denoise = adversity.create("restoration", "non_local_means")
    for sample, sigma in zip(rows["id"], rows["denoised.sigma"], strict=True):
        pixels = np.asarray(Image.open(files[str(sample)[-6:-4]])) / np.float32(255)
        denoise(torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous())
        assert denoise.found["sigma"].item() == pytest.approx(sigma, rel=1e-6)
    measure = json.loads((tmp_path / "artifacts/p/light/measures.json").read_text())
    (values,) = measure["cells"].values()
    assert values["mean_light"]["value"] == pytest.approx(rows["found.light"].mean(), rel=1e-6)
