"""A project that was run, with a plugin and weights of its own, for tests that change one thing."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from adversity_flows.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/proved.yaml"
PIPELINE = """\
name: proved
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
  held: {uses: dataset/folder, with: {path: data/held}}
matrix:
  severity: [1, 3]
steps:
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  dimmed: {uses: "./own/dim.py:Dim", from: noisy, with: {weights: own/weights.json}}
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4}}
  predictions: {uses: net, from: dimmed}
  scaled: {uses: uncertainty/temperature_scaling, from: predictions, fit_on: known}
  known: {uses: net, from: held}
  attacked: {uses: attack/fgsm, from: noisy, against: predictions, with: {eps: 8/255}}
  doubt: {uses: uncertainty/entropy, from: predictions}
  doubt_known: {uses: uncertainty/entropy, from: known}
  told: {uses: metric/auroc, from: doubt, against: doubt_known}
gates:
  - predictions.accuracy >= 0.001
run: {shard_size: 4}
"""
DIM = '''\
"""A degradation of the project."""

import json
from typing import ClassVar

from pydantic import Field

from adversity import Degradation, ProjectFile


class Dim(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "dim"

    weights: ProjectFile = Field(description="JSON, the share of light that is left")

    def degrade(self, images, rng):
        """Return darker images."""
        return images * json.loads(self.weights.path.read_text())["share"]
'''


def draw(root: Path, folder: str, count: int) -> None:
    """Make `count` images of 16x16 random pixels in each of two classes."""
    rng = np.random.default_rng(list(folder.encode()))
    for name, low in (("dark", 0), ("light", 100)):
        place = root / folder / name
        place.mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(low, low + 150, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.bmp")


@pytest.fixture(scope="session")
def drawn() -> Callable[[Path, str, int], None]:
    """Return the function that makes images."""
    return draw


@pytest.fixture(scope="session")
def proved_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after a run, made once; tests copy it."""
    root = tmp_path_factory.mktemp("proved") / "trial"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adversity.report.charts.chart_style._drawn", lambda *_: "<svg></svg>")
        patch.setenv("OMP_NUM_THREADS", "1")
        assert main(["init", str(root)]) == 0
        (root / "pipelines" / "first_look.yaml").unlink()
        (root / FILE).write_text(PIPELINE, encoding="utf-8")
        (root / "own").mkdir()
        (root / "own/dim.py").write_text(DIM, encoding="utf-8")
        (root / "own/weights.json").write_text(json.dumps({"share": 0.5}), encoding="utf-8")
        draw(root, "data/train", 12)
        draw(root, "data/held", 4)
        draw(root, "data/test", 4)
        patch.chdir(root)
        assert main(["run", FILE, "--direct"]) == 0
    return root


@pytest.fixture
def proved(proved_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project, and stand in it."""
    root = tmp_path / "trial"
    shutil.copytree(proved_template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def flip() -> Callable[[Path], None]:
    """Return a function that changes the last byte of a file in place, and keeps its date."""

    def flip(path: Path) -> None:
        before = path.stat()
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.seek(-1, 2)
            last = file.read(1)
            file.seek(-1, 2)
            file.write(bytes([last[0] ^ 64]))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return flip
