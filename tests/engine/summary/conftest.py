"""Victims masked on purpose and an honest one, and a run of attacks against one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from adversity import Classifier
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import summarise
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.report.doubts.caveats import caveats

if TYPE_CHECKING:
    from pathlib import Path

PERIOD = 16 / 255


class Bright(Classifier):
    """Dark or bright, by the mean: linear, so that PGD in linf is optimal."""

    name: ClassVar[str] = "bright"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("dark", "bright")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        margin = 40 * (self.seen(images).flatten(1).double().mean(1) - 0.5).float()
        return torch.stack([-margin, margin], 1)

    def seen(self, images: torch.Tensor) -> torch.Tensor:
        """Return what is looked at."""
        return images


class EightBit(Bright):
    """The same, of eight-bit images: its gradient is zero, its answers are nearly equal."""

    name: ClassVar[str] = "eight_bit"

    def seen(self, images: torch.Tensor) -> torch.Tensor:
        return (images * 255).round() / 255


class Unsteady(Bright):
    """The same with noise that it says nothing of: too little to change a class."""

    name: ClassVar[str] = "unsteady"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits(images) + 0.1 * torch.randn(len(images), 2)


class Probable(Bright):
    """The same, but it gives probabilities."""

    name: ClassVar[str] = "probable"
    gives: ClassVar[Any] = "probs"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return super().logits(images).softmax(1)


class Disguised(Probable):
    """The same, but it says that these are logits."""

    name: ClassVar[str] = "disguised"
    gives: ClassVar[Any] = "logits"


class Waves(Bright):
    """A class that comes back with each period of the mean: one step of a period is one too far."""

    name: ClassVar[str] = "waves"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        wave = torch.cos(2 * torch.pi * images.flatten(1).double().mean(1) / PERIOD).float()
        return torch.stack([-wave, wave], 1)


VICTIMS = (Bright, EightBit, Unsteady, Probable, Disguised, Waves)

HEAD = """
name: believed
data: {{test: {{uses: dataset/folder, with: {{path: data/{images}}}}}}}
matrix: {matrix}
steps:
  answers: {{uses: classifier/{victim}, from: {seen}}}
"""


@pytest.fixture(scope="module")
def believed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 grey images near the border of dark and bright, and 80 on the slopes of the waves."""
    root, rng = tmp_path_factory.mktemp("believed"), np.random.default_rng(0)
    for inputs in ("grey", "slopes"):
        for label, name in enumerate(("dark", "bright")):
            folder = root / "data" / inputs / name
            folder.mkdir(parents=True)
            for i in range(40):
                if inputs == "grey":
                    level = 127.5 + (2 * label - 1) * rng.uniform(3, 20)
                else:
                    level = 16.0 * int(rng.integers(4, 11)) + 8 * (1 - label) + 2
                image = np.full((8, 8), round(level), np.uint8)
                Image.fromarray(image).save(folder / f"{i:02d}.png")
    (root / "pipelines").mkdir()
    return root


class FinishedRun:
    """A pipeline that ran, but for its report."""

    def __init__(self, root: Path, out: Path, text: str, registry: Any) -> None:
        file = root / "pipelines/believed.yaml"
        file.write_text(text, encoding="utf-8")
        plan = make_plan(load_pipeline(file, root=root), registry)
        workspace = Workspace(root, out, out / "store")
        for stage in plan.stages[:-1]:
            stage_run = open_stage(plan, stage, workspace)
            for shard in stage_run.pending():
                stage_run.run_shard(shard)
            stage_run.finish(workspace.outputs / stage.out)
        self.steps = summarise(plan, workspace)
        found = caveats((), tuple(self.steps.values()))
        results = judge(plan.gates, self.steps, caveats=found)
        self.verdicts = {gate.text: gate.verdict for gate in results}
        self.why = {gate.text: gate.why for gate in results}
        self.said = [c for c in found if c.level == "void"]
        self.noted = {step.id: step.notes for step in self.steps.values()}
        self.notes = [c.text for c in found if c.level == "note"]

    def value(self, name: str, *, step: str = "pgd", cell: int = 0) -> float | None:
        """Return a measure of a cell, None where there is none."""
        measure = self.steps[step].cells[cell].measures.get(name)
        return None if measure is None else measure.value


@pytest.fixture
def finish(believed: Path, tmp_path_factory: pytest.TempPathFactory, registry_with: Any) -> Any:
    """A function that runs a victim under attacks."""

    def run(victim: str, attacks: str, **given: Any) -> FinishedRun:
        words: dict[str, Any] = {
            "victim": victim,
            "images": "grey",
            "matrix": "{eps: [4/255, 12/255]}",
            "seen": "test",
        }
        gates = "".join(f"  - {gate}\n" for gate in given.pop("gates", ()))
        text = HEAD.format(**{**words, **given}) + attacks + (f"gates:\n{gates}" if gates else "")
        return FinishedRun(believed, tmp_path_factory.mktemp("run"), text, registry_with(*VICTIMS))

    return run
