"""Trap 32: images that fitted a classifier judge it, under other names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """\
name: leak
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/nearest_neighbours, fit_on: train, with: {neighbours: 1}}
  clean: {uses: net, from: test}
gates:
  - lower clean.accuracy >= 0.90
"""


def _noise(folder: Path, seed: int, prefix: str) -> None:
    """Write 60 images of noise with labels that a coin gave."""
    rng = np.random.default_rng(seed)
    for number in range(60):
        place = folder / ("heads", "tails")[rng.integers(2)]
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{prefix}{number:02d}.png")


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A project whose test images are copies of the training images, renamed."""
    _noise(tmp_path / "data/train", 0, "a")
    _noise(tmp_path / "data/test", 0, "other-")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/leak.yaml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def _accuracy(root: Path, out: Path) -> dict[str, Any]:
    adversity.run(root / "pipelines/leak.yaml", into=out, root=root)
    record = json.loads((out / "artifacts/leak/clean/measures.json").read_text())
    measure: dict[str, Any] = record["cells"][""]["accuracy"]
    return measure


def test_3_32_images_that_fitted_do_not_judge(
    noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with their number; the twin, which knows images by name, calls a coin perfect."""
    with pytest.raises(DataError, match="60 of the 60 images of test are among those of train"):
        _accuracy(noise, tmp_path / "real")
    assert not (tmp_path / "real/artifacts").exists()

    def by_name(fitting: Any, judging: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(set(fitting.ids) & set(judging.ids))]

    with monkeypatch.context() as patch:
        patch.setattr("adversity.engine.stages.apart.shared", by_name)
        assert _accuracy(noise, tmp_path / "twin")["value"] == 1.0


def test_3_32_other_images_show_the_coin(noise: Path, tmp_path: Path) -> None:
    """On images that fitted nothing, labels of a coin are right for half, within the interval."""
    for file in (noise / "data/test").rglob("*.png"):
        file.unlink()
    _noise(noise / "data/test", 1, "other-")
    found = _accuracy(noise, tmp_path / "out")
    assert found["low"] < 0.5 < found["high"] < 0.7
