"""A line of images, a network that is sure of one class, and an alarm that is linear in the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch

from adversity import Classifier, Dataset, Decide, Predictive, Sample
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 0.4
WEIGHTS = np.array([0.7, -0.5, 0.3, 0.2])
"""Of the alarm's score: its l1, l2 and linf norms are 1.7, sqrt(0.87) and 0.7."""
DUAL = {"linf": 1.7, "l2": 0.87**0.5, "l1": 0.7}
EPS = 0.06
COUNT = 66
NAMES = ("safe", "risky", "newt")


def score_of(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the alarm's score of images `[N, 1, 2, 2]`, in float64."""
    values: np.ndarray[Any, Any] = (images.reshape(len(images), 4).astype(float) - 0.5) @ WEIGHTS
    return values


class Ladder(Dataset):
    """Images around grey, in even steps of the alarm's score from far below its limit to far above.

    In turn they are labelled `safe`, which is what the network says of all, `risky`, and `newt`,
    a class that it lacks; a fourth has no label.
    """

    name: ClassVar[str] = "ladder"
    seed: int = 0
    labels: Literal["all", "known"] = "all"

    @property
    def class_names(self) -> tuple[str, ...]:
        return NAMES

    def __len__(self) -> int:
        return COUNT

    def item(self, index: int) -> Sample:
        # An l1 ball moves a score by 0.7 eps, one in linf by 1.7 eps; no wall of the box is near.
        place = LIMIT + 2.2 * EPS * (2 * (index + 0.5 * self.seed) / (COUNT - 1) - 1)
        image = (0.5 + place * WEIGHTS / (WEIGHTS**2).sum()).reshape(2, 2, 1)
        turn = (0, 1, 2, None) if self.labels == "all" else (0, 1, 0, 1)
        return Sample(image.astype(np.float32), turn[index % 4], f"s{index:02d}")


class Sure(Classifier):
    """Always says the first class; its third logit is the score."""

    name: ClassVar[str] = "sure"
    differentiable: ClassVar[bool] = True

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("safe", "risky", "third")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        weights = torch.from_numpy(WEIGHTS).to(images)
        score = (images.flatten(1) - 0.5) @ weights
        ones = torch.ones_like(score)
        return torch.stack([10 * ones, 5 * ones, score], 1)


class Linear(Decide):
    """Accepts where the third logit is at most a limit."""

    name: ClassVar[str] = "linear"
    decides: ClassVar[Any] = "accept"
    differentiable: ClassVar[bool] = True

    def decide(self, predictive: Predictive) -> Predictive:
        return Predictive(accept=self.margin(predictive) >= 0)

    def margin(self, predictive: Predictive) -> Any:
        assert predictive.logits is not None
        return LIMIT - predictive.logits[:, 2].double()


class Rough(Linear):
    """The same, without a gradient."""

    name: ClassVar[str] = "rough"
    differentiable: ClassVar[bool] = False


class Silent(Linear):
    """Does not say by how much."""

    name: ClassVar[str] = "silent"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.logits is not None
        return Predictive(accept=predictive.logits[:, 2] <= LIMIT)

    margin = Decide.margin


TOYS: tuple[Any, ...] = (Ladder, Sure, Linear, Rough, Silent)
HEAD = """name: p
seed: 5
data:
  test: {uses: dataset/ladder, unknown: keep}
"""


def planned(root: Path, registry_with: Any, text: str, *overrides: str) -> Any:
    """Plan a pipeline on the ladder; `text` is what follows its data."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(HEAD + text, encoding="utf-8")
    return make_plan(load_pipeline(file, root=root, overrides=overrides), registry_with(*TOYS))


def run_all(root: Path, plan: Any, out: str = "out") -> Any:
    """Run every step but the report; return the workspace and the results."""
    workspace = Workspace(root, root / out, root / out / "store")
    wanted = [stage.step for stage in plan.stages if stage.step != "report"]
    return workspace, {step: compute_stage(plan, step, workspace, 1) for step in wanted}


def rows_of(workspace: Any, step: str, **cell: str) -> dict[str, Any]:
    """Return the rows of a cell of a step's table."""
    table = read_table(workspace.outputs / f"artifacts/p/{step}/table.parquet")
    keep = np.ones(len(table["id"]), bool)
    for name, value in cell.items():
        keep &= table[name] == value
    return {name: values[keep] for name, values in table.items()}
