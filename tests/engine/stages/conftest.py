"""Projects: one with an attack in rounds, one whose data sets share images, one of pairs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.engine.calls.final_call import FinalCall
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def run_pairs(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs steps on a data set `photos`; returns plan, workspace and results."""
    from toy_pairs import TOYS

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
        return plan, workspace, {step: compute_stage(plan, step, workspace, 1) for step in wanted}

    return ran


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


def _noise(folder: Path, seeds: range, name: Callable[[int], str], suffix: str = "png") -> None:
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        place = folder / "ab"[np.random.default_rng(seed).integers(2)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{name(seed)}.{suffix}")


@pytest.fixture(scope="module")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with random labels: `test` copies 8 of `train` under other names; `other` none."""
    root = tmp_path_factory.mktemp("apart")
    _noise(root / "data/train", range(40), lambda seed: f"x{seed:02d}")
    _noise(root / "data/other", range(100, 120), lambda seed: f"{seed:03d}")
    _noise(root / "data/tiff", range(40), lambda seed: f"t{seed:02d}", "tiff")
    _noise(root / "data/free", range(400, 412), lambda seed: f"f{seed}")
    _noise(root / "data/held", range(200, 310), lambda seed: f"h{seed}")
    files = sorted((root / "data/train").rglob("*.png"), key=lambda file: file.read_bytes()[-40:])
    for number, file in enumerate(files[:8]):
        place = root / "data/test/a"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:02d}.png").write_bytes(file.read_bytes())
    _noise(root / "data/test", range(100, 112), lambda seed: f"own{seed}")
    (root / "pipelines").mkdir()
    return root


@pytest.fixture
def plan_of(doubles: Path, registry_with: Any) -> Any:
    """A function that plans a file with these data sets and steps, and plugins of a test."""

    def planned(data: str, steps: str, *plugins: Any) -> Any:
        file = doubles / "pipelines/p.yaml"
        file.write_text(f"name: p\ndata:\n{data}\nsteps:\n{steps}\n", encoding="utf-8")
        return make_plan(load_pipeline(file, root=doubles), registry_with(*plugins))

    return planned


@pytest.fixture
def refusal(doubles: Path, tmp_path: Path) -> Any:
    """A function that opens the first stage, or another; returns the refusal, or nothing."""

    def refused(plan: Any, *, first: str | None = None) -> str:
        stage = plan.stage(first) if first else plan.stages[0]
        try:
            open_stage(plan, stage, Workspace(doubles, tmp_path, tmp_path / "store"))
        except DataError as error:
            return str(error)
        return ""

    return refused


_MEASURED = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
  dark: {uses: degradation/low_light, from: noisy, with: {gain: $gain}}
  answers: {uses: net, from: dark}
  calm: {uses: net, from: noisy}
  clean: {uses: net, from: test}
  learnt: {uses: net, from: held}
"""


@pytest.fixture(scope="module")
def measured_project(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey images of four classes; `held` are those of `test` and one more."""
    root = tmp_path_factory.mktemp("measured")
    shutil.copytree(quarters / "data", root / "data")
    shutil.copytree(root / "data/test", root / "data/held")
    more = np.random.default_rng(9).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(more).save(root / "data/held/class_0/more.png")
    (root / "pipelines").mkdir()
    return root


@pytest.fixture(scope="module")
def plan_measures(measured_project: Path, registry_with: Any) -> Any:
    """A function that plans the steps and more of them."""
    from toy_metrics import TOYS

    def planned(steps: str, *overrides: str) -> Any:
        file = measured_project / "pipelines/m.yaml"
        data = "".join(
            f"  {name}: {{uses: dataset/folder, with: {{path: data/{name}}}}}\n"
            for name in ("train", "test", "held")
        )
        matrix = "matrix: {sigma: [0.05, 0.3], gain: [0.5, 0.2, 0.1]}\n"
        file.write_text(f"name: m\ndata:\n{data}{matrix}steps:{_MEASURED}{steps}", encoding="utf-8")
        loaded = load_pipeline(file, root=measured_project, overrides=overrides)
        return make_plan(loaded, registry_with(*TOYS))

    return planned


@pytest.fixture(scope="module")
def measure(measured_project: Path, plan_measures: Any, tmp_path_factory: Any) -> Any:
    """A function that runs the steps and more of them; returns folder and results by step."""

    def measured(steps: str, *overrides: str, only: str | None = None, workers: int = 1) -> Any:
        plan, out = plan_measures(steps, *overrides), tmp_path_factory.mktemp("out")
        workspace = Workspace(measured_project, out, out / "store")
        wanted = [s.step for s in plan.stages if s.step != "report" and only in (None, s.step)]
        results = {step: compute_stage(plan, step, workspace, workers) for step in wanted}
        return out / "artifacts/m", results

    return measured


@pytest.fixture
def shown_plan(tmp_path: Path, registry_with: Any) -> Any:
    """A function that plans the pipeline of `toy_shown`, with some of its text replaced."""
    from toy_pairs import TOYS
    from toy_shown import PIPELINE, SHOWN

    (tmp_path / "pipelines").mkdir()
    (tmp_path / "number.txt").write_text("0.01")

    def plan(*changes: tuple[str, str]) -> Any:
        text = PIPELINE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "pipelines/p.yaml"
        file.write_text(text, encoding="utf-8")
        return make_plan(load_pipeline(file, root=tmp_path), registry_with(*TOYS, *SHOWN))

    return plan


@pytest.fixture
def shown_run(shown_plan: Any, tmp_path: Path) -> Callable[..., tuple[Any, Workspace]]:
    """A function that runs it, whole or some of its stages."""

    def run(*changes: tuple[str, str], only: str | None = None) -> tuple[Any, Workspace]:
        plan = shown_plan(*changes)
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        workspace = Workspace(tmp_path, out, tmp_path / "store")
        for stage in plan.stages:
            if stage.step != "report" and only in (None, stage.step):
                compute_stage(plan, stage.step, workspace, 1)
        return plan, workspace

    return run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which plugins were asked to make or to judge images, in order."""
    names: list[str] = []
    ask = FinalCall.ask

    def counted(self: Any, method: str, *given: Any, **more: Any) -> Any:
        if method in ("degrade", "restore", "logits", "probs"):
            names.append(self.ready.plugin.name)
        return ask(self, method, *given, **more)

    monkeypatch.setattr(FinalCall, "ask", counted)
    return names
