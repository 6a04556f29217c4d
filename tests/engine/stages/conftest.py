"""A project whose attack runs in rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: rounds
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix:
  eps: [8/255, 20/255]
steps:
  net: {uses: classifier/logistic_regression, fit_on: train}
  answer: {uses: net, from: test}
  strong: {uses: attack/cascade, from: test, against: answer, with: {eps: $eps, effort: 0.03}}
gates:
  - strong[eps=20/255].robust_accuracy >= 0.95
run: {shard_size: 64, images: 0}
"""


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of grey 8 x 8 images: one quarter is brighter, some more clearly than others."""
    root = tmp_path_factory.mktemp("quarters")
    rng = np.random.default_rng(0)
    for part, count in (("train", 8), ("test", 6)):
        for label in range(4):
            place = root / "data" / part / f"class_{label}"
            place.mkdir(parents=True)
            for i in range(count):
                image = rng.normal(0.5, 0.05, (8, 8))
                row, column = divmod(label, 2)
                image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.04 * i
                pixels = (image.clip(0, 1) * 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
    (root / "pipelines").mkdir()
    (root / "pipelines/rounds.yaml").write_text(PIPELINE)
    return root
