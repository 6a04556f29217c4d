"""Views that draw, say, find, read a file and are fitted: all that a kept image may depend on."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from adversity import Degradation, Fitted, ProjectFile, Restoration, State
from adversity.contracts import Degraded, Restored
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary.packed import tensor_sha256
from adversity.engine.summary.shown_views import ShownViews
from adversity.pipeline.plan.model import Cell

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.set_up.workspace import Workspace

PIPELINE = """
name: p
seed: 5
data:
  photos: {uses: dataset/pairs, with: {seed: 0}, images: clean}
  others: {uses: dataset/pairs, with: {seed: 9}, images: clean}
matrix:
  amount: [0.1, 0.2]
  eps: [1/255, 4/255]
steps:
  net: {uses: classifier/bright}
  shade: {uses: degradation/shade, from: photos, with: {amount: $amount}}
  clear: {uses: restoration/clear, from: shade, with: {file: number.txt}}
  learned: {uses: restoration/levels, fit_on: {unlabelled: others}}
  fitted: {uses: learned, from: clear}
  plain: {uses: net, from: photos}
  shaded: {uses: net, from: shade}
  cleared: {uses: net, from: clear}
  answers: {uses: net, from: fitted}
  nudge: {uses: attack/fgsm, from: shade, against: answers, with: {eps: $eps}}
"""


class Shade(Degradation):
    """Add what is drawn for a sample, and say what it was."""

    name: ClassVar[str] = "shade"
    stochastic: ClassVar[bool] = True
    amount: float = 0.1

    def degrade(self, images: torch.Tensor, rng: Any) -> Degraded:
        drawn = self.amount * rng.uniform((1, 1, 1))
        whole = torch.full((len(images), 1), 3).expand(-1, 4)
        worse = (images + drawn).clamp(0, 1)
        return Degraded(worse, {"sigma": drawn[:, 0, 0, 0], "whole": whole})


class Clear(Restoration):
    """Take off what was said, and a number in a file; find the mean."""

    name: ClassVar[str] = "clear"
    needs: ClassVar[tuple[str, ...]] = ("sigma",)
    file: ProjectFile | None = None

    _more: float = 0.0

    def setup(self, device: str) -> None:
        if self.file is not None:
            with open(self.file) as stream:  # noqa: PTH123  (as an author would)
                self._more = float(stream.read())

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> Restored:
        better = (images - needs["sigma"][:, None, None, None] - self._more).clamp(0, 1)
        return Restored(better, {"mean": images.mean((1, 2, 3))})


class Levels(Restoration, Fitted):
    """Take off the mean of what it was fitted on, times a parameter of the fit."""

    name: ClassVar[str] = "levels"
    fit_sources: ClassVar[tuple[str, ...]] = ("unlabelled",)
    _mean: float = 0.0

    def fit(self, data: Any, rng: Any) -> State:
        return State({"mean": np.array([float(next(iter(data)).images.mean())])})

    def load(self, state: State) -> None:
        self._mean = float(state.arrays["mean"][0])

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return (images - 0.1 * self._mean).clamp(0, 1)


SHOWN = (Shade, Clear, Levels)


def same(one: ImageBatch, other: ImageBatch) -> None:
    """All of a batch: values to the bit, layouts, and the order of what was said and found."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, dict):
            assert list(a) == list(b), field.name
        pairs = list(zip(a.values(), b.values(), strict=True)) if isinstance(a, dict) else [(a, b)]
        for first, second in pairs:
            if isinstance(first, torch.Tensor):
                assert tensor_sha256(first) == tensor_sha256(second), field.name
            else:
                assert first == second, field.name


CELL = Cell((("amount", "0.1"),))
STEPS = ("shade", "clear")


def passed(
    plan: Any, workspace: Workspace, folder: Path | None, *steps: str, cell: Cell = CELL
) -> list[ImageBatch]:
    """Put the first sample through views; return it behind each."""
    toolbox = Toolbox(plan, workspace)
    views = ShownViews(toolbox, folder)
    found = [step_images(toolbox, "photos", cell, [0])]
    for step in steps or STEPS:
        found.append(views.through(step, cell, found[-1]))
    return found


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}
