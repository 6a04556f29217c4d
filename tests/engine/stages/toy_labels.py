"""A data set whose samples have classes, unknown classes or no label, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch

from adversity import Classifier, Dataset, Sample
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 24
JUDGED = [index for index in range(COUNT) if index % 4 < 2]
"""Of four samples one is an a, one a b, one of a class that no classifier here has, one unlabelled."""


class Mixed(Dataset):
    """Grey images whose brightness says a or b, mostly; what is known of them varies."""

    name: ClassVar[str] = "mixed"
    rows: Literal["all", "judged", "unknown", "unlabelled"] = "all"
    seed: int = 0
    says: Literal["nothing", "groups", "mixed", "unlabelled"] = "nothing"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("newt", "b", "a")

    def _numbers(self) -> list[int]:
        others = {"unknown": [i for i in range(COUNT) if i % 4 == 2], "judged": JUDGED}
        return others.get(self.rows, list(range(COUNT)))

    def __len__(self) -> int:
        return len(self._numbers())

    def item(self, index: int) -> Sample:
        number = self._numbers()[index]
        draw = np.random.default_rng([number, self.seed])
        level = 0.5 + 0.06 * (1 if number % 4 == 1 else -1)
        image = draw.normal(level, 0.3, (6, 6)).clip(0, 1).astype(np.float32)
        target = (2, 1, 0, None)[number % 4] if self.rows != "unlabelled" else None
        if self.says == "nothing":
            return Sample(image, target, f"s{number:02d}")
        attributes: dict[str, Any] = {"camera": "left" if number % 3 else "right"}
        if number % 2:
            attributes["hour"] = number / 2
        if self.says == "mixed" and number == 5:
            attributes["camera"] = 7
        if self.says == "unlabelled" and attributes["camera"] == "right":
            target = None
        group = f"scene {number // 8}" if number < 16 else None
        return Sample(image, target, f"s{23 - number:02d}", group=group, attributes=attributes)


class Bright(Classifier):
    """Says b where an image is bright."""

    name: ClassVar[str] = "bright"
    differentiable: ClassVar[bool] = True

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        mean = 20 * images.mean((1, 2, 3))
        return torch.stack([10 - mean, mean - 10], 1)


TOYS: tuple[Any, ...] = (Mixed, Bright)


def run_all(root: Path, plan: Any) -> Any:
    """Run every step; return the folder of the artifacts, the results and the workspace."""
    workspace = Workspace(root, root / "out", root / "store")
    wanted = [stage.step for stage in plan.stages if stage.step != "report"]
    results = {step: compute_stage(plan, step, workspace, 1) for step in wanted}
    return root / "out/artifacts/p", results, workspace
