"""A small network with its images, and a small project with images on disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import adversity
from adversity.data.tables import read_table
from adversity.engine.calls.ready import Ready
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Plan


@pytest.fixture(scope="module", autouse=True)
def _undrawn(undrawn_charts: None) -> None:
    """What figures say is looked at here, not how they are drawn."""


PIPELINE = """\
name: small
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  linear: {uses: classifier/logistic_regression, fit_on: train, with: {c: 1.0}}
  predictions: {uses: linear, from: test}
  attacked:
    uses: attack/pgd
    from: test
    against: predictions
    with: {eps: 8/255, steps: 3}
run: {shard_size: 7}
"""


@dataclass(frozen=True)
class Project:
    """A pipeline with its data, and a folder for its results.

    Attributes:
        root: Where `pipelines/small.yaml` and `data/` are.
        out: Where its results go.
    """

    root: Path
    out: Path

    def run(self, *overrides: str) -> Any:
        """Run the pipeline and return the table of the attack."""
        file = self.root / "pipelines/small.yaml"
        adversity.run(file, into=self.out, root=self.root, overrides=list(overrides))
        return self.table

    def run_steps(self, *steps: str) -> None:
        """Run only these steps of the pipeline; without any, all but the report."""
        plan, workspace = self._planned()
        for step in steps or [stage.step for stage in plan.stages if stage.step != "report"]:
            stage = plan.stage(step)
            stage_run = open_stage(plan, stage, workspace)
            for shard in stage_run.pending():
                stage_run.run_shard(shard)
            out = workspace.outputs / stage.out
            shutil.rmtree(out, ignore_errors=True)  # that of the run before
            stage_run.finish(out)

    @property
    def table(self) -> Any:
        """The attack's table."""
        return read_table(self.artifact / "table.parquet")

    @property
    def artifact(self) -> Path:
        """The attack's artifact."""
        return self.out / "artifacts/small/attacked"

    def stage(self, step: str) -> StageRun:
        """Open a stage over what was run."""
        plan, workspace = self._planned()
        return open_stage(plan, plan.stage(step), workspace)

    def _planned(self) -> tuple[Plan, Workspace]:
        loaded = load_pipeline(self.root / "pipelines/small.yaml", root=self.root)
        return make_plan(loaded, discover()), Workspace(self.root, self.out, self.out / "store")

    def edit(self, old: str, new: str) -> None:
        """Replace what stands once in the pipeline's file."""
        file = self.root / "pipelines/small.yaml"
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in {file}")
        file.write_text(text.replace(old, new), encoding="utf-8")


def _draw(folder: Path, per_class: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for label, name in enumerate(("left", "right")):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            image = rng.uniform(0.25, 0.75, (8, 8))
            image[:, 4 * label : 4 * label + 4] += rng.uniform(-0.02, 0.12)
            grey = np.rint(image.clip(0, 1) * 15) * 17
            Image.fromarray(grey.astype(np.uint8)).save(folder / name / f"{number:02d}.png")


def _laid(folder: Path) -> Project:
    """Lay down two classes in sixteen grey levels, just about told apart: 40 to learn, 24 to test."""
    root = folder / "project"
    _draw(root / "data/train", 20, 0)
    _draw(root / "data/test", 12, 1)
    (root / "pipelines").mkdir()
    (root / "pipelines/small.yaml").write_text(PIPELINE, encoding="utf-8")
    return Project(root, folder / "out")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project, of which nothing was run."""
    return _laid(tmp_path)


@pytest.fixture(scope="session")
def _first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project that was run once."""
    folder = tmp_path_factory.mktemp("first")
    _laid(folder).run()
    return folder


@pytest.fixture
def ran(_first: Path, tmp_path: Path) -> Project:
    """The project and what one run of it left, to change."""
    shutil.copytree(_first, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path / "project", tmp_path / "out")


@pytest.fixture(scope="session")
def network() -> torch.nn.Module:
    """A fixed network with ReLUs, float32, 10 classes, input `[N, 3, 8, 8]`."""
    generator = torch.Generator().manual_seed(0)
    layers = [
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 64, 10),
    ]
    for layer in layers:
        for parameter in layer.parameters():
            with torch.no_grad():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return torch.nn.Sequential(*layers).eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """24 images `[24, 3, 8, 8]` in [0, 1], some values on the bounds."""
    generator = torch.Generator().manual_seed(1)
    return (1.4 * torch.rand(24, 3, 8, 8, generator=generator) - 0.2).clamp(0, 1)


@pytest.fixture(scope="session")
def labels(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network says of the images, so that each is right."""
    return (
        adversity.target(network)
        .bind([str(i) for i in range(len(images))])
        .answer(images)
        .predicted
    )


@pytest.fixture
def ready() -> Any:
    """Make an object of a class of plugins ready to run."""

    def make(plugin: Any) -> Ready:
        return Ready(plugin, f'{plugin.kind} "{plugin.name}" (test)')

    return make
