"""Pipelines whose tables hold features, and the classifier that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from adversity import Classifier
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import torch

PIPELINE = """
name: strange
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {severity: [1, 5]}
steps:
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  held: {uses: classifier/quarters, from: train}
  answers: {uses: classifier/quarters, from: noisy}
  clean: {uses: classifier/quarters, from: test}
"""
STRANGE = """
  found: {uses: uncertainty/mahalanobis, fit_on: held, with: {ridge: 0.01}}
  strange: {uses: found, from: answers}
  usual: {uses: found, from: clean}
  cut: {uses: uncertainty/react, from: answers, fit_on: held, with: {quantile: 0.5}}
  known: {uses: metric/auroc, from: usual, against: strange, with: {score: mahalanobis}}
"""
ALONE = "  strange: {uses: uncertainty/mahalanobis, from: answers, fit_on: held}\n"


class Quarters(Classifier):
    """Goes by how bright each quarter is."""

    name: ClassVar[str] = "quarters"
    sharp: float = 20.0
    split: int = 2

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in range(4))

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        size = 8 // self.split
        return images.mean(1).unfold(1, size, size).unfold(2, size, size).mean((3, 4)).flatten(1)

    def head(self, features: torch.Tensor) -> torch.Tensor | None:
        return self.sharp * features if self.split == 2 else None

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self.sharp * images.mean(1).unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4)).flatten(1)


class Blind(Quarters):
    """Has the method, and offers nothing."""

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        return None


class Run:
    """A pipeline of these steps, in a folder of its own."""

    def __init__(self, root: Path, out: Path, steps: str, registry: Any, *overrides: str) -> None:
        file = root / "pipelines/strange.yaml"
        file.write_text(PIPELINE + steps, encoding="utf-8")
        self.plan = make_plan(load_pipeline(file, root=root, overrides=overrides), registry)
        self.workspace = Workspace(root, out, out / "store")
        self.folder = out / "artifacts/strange"

    def all(self, names: Sequence[str] = ()) -> dict[str, Any]:
        """Run all but the report, or these."""
        steps = [stage.step for stage in self.plan.stages if stage.step != "report"]
        return {
            step: compute_stage(self.plan, step, self.workspace, 1)
            for step in steps
            if not names or step in names
        }

    def table(self, step: str) -> dict[str, np.ndarray]:
        """Return the table of a step."""
        return read_table(self.folder / step / "table.parquet")

    def keys(self) -> dict[str, str]:
        """Return the store's key of each prediction step, first cells."""
        keys = {}
        for step in ("held", "clean", "answers"):
            run = open_stage(self.plan, self.plan.stage(step), self.workspace)
            keys[step] = run.cell_key(run.planned.cells[0])  # type: ignore[attr-defined]
        return keys
