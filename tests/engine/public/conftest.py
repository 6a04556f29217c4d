"""A project of stripes, and the pipeline that looks at all of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: tiny
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  held_out: {uses: dataset/folder, with: {path: data/held_out}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix:
  severity: [1, 4]
  eps: [1/255, 30/255]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 4, width: 8}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  denoised: {uses: restoration/non_local_means, from: noisy, with: {patch_distance: 2}}
  noisy_predictions: {uses: net, from: noisy}
  predictions: {uses: net, from: denoised}
  held_predictions: {uses: net, from: held_out}
  confidence: {uses: uncertainty/temperature_scaling, from: predictions, fit_on: held_predictions}
  doubt: {uses: uncertainty/entropy, from: confidence}
  attacked:
    uses: attack/pgd
    from: noisy
    against: confidence
    with: {eps: $eps, steps: 3, restarts: 2}
run: {batch_size: 64, shard_size: 64}
"""


def write_images(folder: Path, per_class: int, seed: int) -> None:
    """Write stripes: class 0 lies, class 1 stands, with noise so that they are not trivial."""
    rng = np.random.default_rng(seed)
    for label in (0, 1):
        place = folder / ("lying", "standing")[label]
        place.mkdir(parents=True)
        for i in range(per_class):
            wave = 0.5 + 0.12 * np.sin(np.arange(24) * rng.uniform(0.8, 1.2) + rng.uniform(0, 6))
            image = np.tile(wave, (24, 1)) if label else np.tile(wave[:, None], (1, 24))
            image = (image + rng.normal(0, 0.08, image.shape)).clip(0, 1)
            Image.fromarray((image * 255).astype(np.uint8)).save(place / f"{i:03d}.png")


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three small folders of real files."""
    root = tmp_path_factory.mktemp("striped")
    write_images(root / "data/train", 30, 0)
    write_images(root / "data/held_out", 10, 1)
    write_images(root / "data/test", 12, 2)
    (root / "pipelines").mkdir()
    (root / "pipelines/tiny.yaml").write_text(PIPELINE)
    return root
