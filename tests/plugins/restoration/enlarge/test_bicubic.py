"""Shrinking and enlarging are Pillow's, Keys' closed form, and a chain that comes back to size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

import adversity
from adversity.data.tables import read_table
from adversity_plugins.degradation.resolution.downsample import Downsample
from adversity_plugins.restoration.enlarge.bicubic import Bicubic

ROUNDING = 5e-6
"""torch computes weights in float32, Pillow in float64: 2.5e-6 was measured."""
RNG = adversity.SampleRng(seed=0, step="x", ids=("a", "b", "c"))


def by_pillow(images: Tensor, height: int, width: int) -> np.ndarray:
    """Resize every channel with Pillow in 32-bit floats, and cut off what overshoots."""
    resized = [
        [
            np.asarray(Image.fromarray(c).resize((width, height), Image.Resampling.BICUBIC))
            for c in image
        ]
        for image in images.numpy()
    ]
    return np.array(resized).clip(0, 1)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_enlarging_is_pillows_bicubic(photos: Tensor, factor: int) -> None:
    """Borders and overshoots included; a few roundings of float32 apart."""
    larger = Bicubic(factor=factor).restore(photos)
    expected = by_pillow(photos, 48 * factor, 64 * factor)
    np.testing.assert_allclose(larger.numpy(), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [(48, 64), (47, 33), (1, 7)])
def test_shrinking_is_pillows_bicubic(photos: Tensor, factor: int, size: tuple[int, int]) -> None:
    """Sizes that are no multiples are rounded up, so that no row or column is lost."""
    images = photos[..., : size[0], : size[1]].contiguous()
    smaller = Downsample(factor=factor).degrade(images, RNG)
    height, width = (-(-side // factor) for side in size)
    assert smaller.shape == (3, 3, height, width)
    expected = by_pillow(images, height, width)
    np.testing.assert_allclose(smaller.numpy(), expected, rtol=0, atol=ROUNDING)


def _matlab(rows: np.ndarray, size: int, scale: float) -> np.ndarray:
    """Resize along the first axis as the source of MATLAB's `imresize` does, in float64."""
    narrow = min(scale, 1.0)
    centres = np.arange(1, size + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centres - 2 / narrow)
    places = first[:, None] + np.arange(int(np.ceil(4 / narrow)) + 2)
    away = np.abs(narrow * (centres[:, None] - places))
    near = 1.5 * away**3 - 2.5 * away**2 + 1
    far = -0.5 * away**3 + 2.5 * away**2 - 4 * away + 2
    weights = np.where(away <= 1, near, np.where(away <= 2, far, 0))
    mirrored = np.r_[0 : len(rows), len(rows) - 1 : -1 : -1]
    taken = mirrored[(places.astype(int) - 1) % len(mirrored)]
    return np.einsum("op,op...->o...", weights / weights.sum(1, keepdims=True), rows[taken])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_inside_the_numbers_are_matlabs(photos: Tensor, factor: int) -> None:
    """Both ways; at the border, which MATLAB mirrors, they are up to 0.01 and more apart."""
    clean = photos[..., :48, :60]
    small = Downsample(factor=factor).degrade(clean, RNG)
    large = Bicubic(factor=factor).restore(small)
    for before, after, scale, border in (
        (clean, small, 1 / factor, 2),
        (small, large, factor, 2 * factor),
    ):
        rows = _matlab(before.double().numpy().transpose(2, 3, 0, 1), after.shape[2], scale)
        both = _matlab(rows.swapaxes(0, 1), after.shape[3], scale).swapaxes(0, 1).clip(0, 1)
        apart = np.abs(both.transpose(2, 3, 0, 1) - after.numpy())
        assert apart[..., border:-border, border:-border].max() < ROUNDING
        assert apart.max() > 1e-3


@pytest.mark.parametrize("factor", [2, 3])
def test_a_parabola_is_interpolated_exactly(factor: int) -> None:
    """Keys, section III: with a = -1/2 second-order polynomials are reproduced inside."""
    x = torch.arange(16, dtype=torch.float64)
    image = (0.2 + 0.01 * x + 0.002 * x**2).expand(1, 1, 16, 16)
    between = (torch.arange(16 * factor, dtype=torch.float64) + 0.5) / factor - 0.5
    inside = slice(2 * factor, -2 * factor)
    expected = (0.2 + 0.01 * between + 0.002 * between**2)[inside]
    larger = Bicubic(factor=factor).restore(image)[0, 0, :, inside]
    torch.testing.assert_close(larger, expected.expand_as(larger), rtol=0, atol=1e-12)


def test_factors_are_whole_and_one_or_more() -> None:
    """A half cannot be meant: it is refused, by either."""
    for plugin in (Bicubic, Downsample):
        for factor in (0, 1.5, 17):
            with pytest.raises(ValueError, match="factor"):
                plugin.model_validate({"factor": factor})


def test_a_chain_over_factors_comes_back_to_the_clean_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One class for x2 and x3: the PSNR of each cell is scikit-image's of Pillow's images.

    2e-3 dB: values `ROUNDING` apart move a PSNR of 30 dB by up to 8.7 * 5e-6 / 10**-1.5 = 0.0014.
    """
    monkeypatch.chdir(tmp_path)
    photos = [data.astronaut()[20:68, 60:132], data.coffee()[100:148, 200:272]]
    (tmp_path / "data/test/a").mkdir(parents=True)
    (tmp_path / "pipelines").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / f"data/test/a/{number}.png")
    file = tmp_path / "pipelines/p.yaml"
    file.write_text(
        """
name: p
data:
  test: {uses: dataset/folder, with: {path: data/test}}
matrix:
  factor: [2, 3]
steps:
  small: {uses: degradation/downsample, from: test, with: {factor: $factor}}
  large: {uses: restoration/bicubic, from: small, with: {factor: $factor}}
  quality: {uses: metric/psnr, from: large}
""",
        encoding="utf-8",
    )
    adversity.run(file, into=tmp_path / "out", root=tmp_path)
    table = read_table(tmp_path / "out/artifacts/p/quality/table.parquet")
    assert len(table["id"]) == 4
    for factor, sample, value in zip(table["factor"], table["id"], table["psnr_db"], strict=True):
        clean = photos[int(Path(sample).stem)].astype(np.float64) / 255
        images = torch.from_numpy(clean.astype(np.float32)).permute(2, 0, 1)[None].contiguous()
        small = torch.from_numpy(
            by_pillow(images, 48 // int(factor), 72 // int(factor))
        ).contiguous()
        large = by_pillow(small, 48, 72)[0].transpose(1, 2, 0)
        expected = peak_signal_noise_ratio(clean, large, data_range=1)
        assert value == pytest.approx(expected, abs=2e-3)
