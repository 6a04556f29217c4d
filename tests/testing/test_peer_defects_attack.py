"""Defects of rows and budgets that were measured in other libraries: the kit finds each.

They break promises that every plugin makes, so that several checks may see one of them: a
whole-batch maximum shows beside other rows and beside a copy.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pytest
import torch
from kit_subjects import KeepsTheBest
from pydantic import Field

from adversity import Attack
from adversity.contracts import Perturbed
from adversity.testing import check_plugin
from adversity_plugins.attack._shared.losses import gradient_of, loss_of
from adversity_plugins.attack._shared.norms import Ball
from adversity_plugins.attack.gradient.pgd import PGD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity import SampleRng, Target


class Roll(KeepsTheBest, Attack):
    """Move each image by up to two pixels, as the victim likes least."""

    name: ClassVar[str] = "roll"
    threat: ClassVar[Literal["norm", "minimum", "parametric"]] = "parametric"
    stochastic: ClassVar[bool] = False

    pixels: int = 2

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """How far down and to the right."""
        return dict.fromkeys(("down", "right"), (-float(self.pixels), float(self.pixels)))

    def apply(self, images: torch.Tensor, parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        moves = zip(parameters["down"].tolist(), parameters["right"].tolist(), strict=True)
        rows = zip(images, moves, strict=True)
        return torch.stack([row.roll((int(x), int(y)), (1, 2)) for row, (x, y) in rows])

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> Perturbed:
        moves = list(product(range(-self.pixels, self.pixels + 1), repeat=2))
        with torch.no_grad():
            losses = torch.stack(
                [
                    loss_of(
                        target.logits(images.roll(move, (2, 3))),
                        labels,
                        loss="margin",
                        targeted=False,
                    )
                    for move in moves
                ]
            )
        best = torch.tensor(moves, dtype=torch.float64)[self.choice(losses)]
        parameters = {"down": best[:, 0], "right": best[:, 1]}
        return Perturbed(self.apply(images, parameters), parameters)


class OneTransform(Roll):
    """Searches one transform for the whole batch (ART's `SpatialTransformation`)."""

    def choice(self, losses: torch.Tensor) -> torch.Tensor:
        return losses.mean(1).argmax().expand(losses.shape[1])


class RemembersTheTransform(Roll):
    """Uses the transform of the first call for all later ones (ART's `SpatialTransformation`)."""

    _first: Any = None

    def choice(self, losses: torch.Tensor) -> torch.Tensor:
        if self._first is None:
            self._first = losses[:, 0].argmax()
        return self._first.expand(losses.shape[1])


class WholeBatchMaximum(Attack):
    """Moves the steepest value of the whole batch (SecML-Torch's l1)."""

    name: ClassVar[str] = "whole_batch_maximum"
    stochastic: ClassVar[bool] = False

    norm: Literal["l1"] = "l1"
    eps: Annotated[float, Field(gt=0)] = 2.5
    steps: Annotated[int, Field(ge=1)] = 5

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        ball = Ball(images, self.norm, self.eps)
        point = images
        for _ in range(self.steps):
            slope = gradient_of(target, point, labels, loss="ce", targeted=False)[1]
            steepest = torch.zeros(slope.numel())
            steepest[slope.abs().argmax()] = slope.flatten()[slope.abs().argmax()].sign()
            point = ball.project(point + 2.5 * self.eps / self.steps * steepest.view_as(point))
        return point


class StartByPlace(PGD):
    """Draws the start for the whole batch: its numbers belong to places, not to samples."""

    steps: int = 4

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        noise = self._noise(images, int(rng.seeds()[0]))
        moved = (images + self.eps * (2 * noise - 1)).clamp(0, 1)
        ball = Ball(images, self.norm, self.eps)
        point = ball.project(moved)
        for _ in range(self.steps):
            slope = gradient_of(target, point, labels, loss="ce", targeted=False)[1]
            point = ball.step(point, slope, self._size)
        return point

    def _noise(self, images: torch.Tensor, seed: int) -> torch.Tensor:
        return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))


class GlobalGenerator(StartByPlace):
    """Draws the start from torch's global generator (ART, adv-lib)."""

    def _noise(self, images: torch.Tensor, seed: int) -> torch.Tensor:
        return torch.rand(images.shape)


class ThirdTooFar(PGD):
    """Oversteps its budget by a third (`SparseL1Descent.run` of Foolbox)."""

    steps: int = 4

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        wider = self.model_copy(update={"eps": 1.33 * self.eps})
        return super(ThirdTooFar, wider).perturb(target, images, labels, rng)


class FloorsToBytes(PGD):
    """Rounds down to eight bits (torchattacks with `save_type="int"`)."""

    steps: int = 4

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        return (super().perturb(target, images, labels, rng) * 255).floor() / 255


LINF = {"norm": "linf", "eps": 8 / 255}
DEFECTS: tuple[tuple[type[Attack], dict[str, Any], set[str]], ...] = (
    (OneTransform, {}, {"alone"}),
    (RemembersTheTransform, {}, {"no_memory"}),
    (WholeBatchMaximum, {}, {"alone", "duplicates"}),
    (StartByPlace, LINF, {"alone", "order", "duplicates"}),
    (GlobalGenerator, LINF, {"global_random_state", "same_seed"}),
    (ThirdTooFar, LINF, {"answers"}),
    (FloorsToBytes, LINF, {"answers"}),
)


@pytest.mark.slow
def test_sound_parametric_attack_passes_everything() -> None:
    """An attack without a norm, one transform for each image, keeps every promise."""
    assert check_plugin(Roll).passed


@pytest.mark.parametrize(
    ("cls", "parameters", "checks"), DEFECTS, ids=[cls.__name__ for cls, _, _ in DEFECTS]
)
def test_kit_finds_the_defect(
    cls: type[Attack],
    parameters: dict[str, Any],
    checks: set[str],
    failed: Callable[..., dict[str, str]],
) -> None:
    """The checks that are about the defect fail."""
    assert failed(cls, parameters=parameters, only=sorted(checks)).keys() == checks
