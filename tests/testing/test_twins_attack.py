"""For each check of attacks, one that fails exactly that one.

Every twin is a sound attack with one thing wrong; where it says so, a defect that was measured
in another library. The parents pass everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from kit_subjects import Climb, Search

from adversity.errors import AdversityError
from adversity.testing import check_plugin
from adversity.testing.kinds.attack import EPS, AttackBench
from adversity_plugins.attack._shared.losses import gradient_of, loss_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Attack, Norm, SampleRng, Target
    from adversity_plugins.attack._shared.norms import Ball


class Generous(Climb):
    """Allows itself a hair more than eps: too much where eps is small."""

    def advance(self, ball: Ball, point: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        delta = point + self.size * slope.sign() - ball.start
        hair = self.eps + 3e-8
        return (ball.start + delta.clamp(-hair, hair)).clamp(0, 1)


class LeavesGradients(Climb):
    """Calls `backward`, which leaves a gradient in every weight (ART, Foolbox, SecML-Torch)."""

    def slope(self, target: Target, point: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        leaf = point.detach().requires_grad_()
        logits = target.logits(leaf)
        loss_of(logits, labels, loss="ce", targeted=self.targeted).sum().backward()
        assert leaf.grad is not None
        return leaf.grad


class FlipsModes(Climb):
    """Puts the victim into eval mode and leaves it there (ART)."""

    def climb(
        self, target: Target, ball: Ball, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        if isinstance(target, torch.nn.Module):
            target.eval()
        return super().climb(target, ball, labels, rng)


class OwnLabels(Climb):
    """Takes the victim's answer for the truth, as ART does without labels."""

    def climb(
        self, target: Target, ball: Ball, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        if not self.targeted:
            with torch.no_grad():
                labels = target.logits(ball.start).argmax(1)
        return super().climb(target, ball, labels, rng)


class DividesByZero(Climb):
    """Divides the gradient by its length, which may be zero."""

    def advance(self, ball: Ball, point: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        length = slope.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        return super().advance(ball, point, slope / length)


class Swallows(Climb):
    """Returns the images as they were where something goes wrong."""

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        try:
            return super().perturb(target, images, labels, rng)
        except AdversityError:
            return images.clone()


class RescaledL1(Climb):
    """Steps along the gradient over its l1 length and rescales into the ball (Foolbox)."""

    def advance(self, ball: Ball, point: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        length = slope.abs().flatten(1).sum(1).clamp_min(1e-12).view(-1, 1, 1, 1)
        delta = point + self.size * slope / length - ball.start
        size = delta.abs().flatten(1).sum(1).clamp_min(1e-12).view(-1, 1, 1, 1)
        return ball.project(ball.start + delta * (self.eps / size).clamp_max(1))


class BlindToTheBox(Climb):
    """Spends most of a step on the steepest value even where it cannot move on (ART's l1: all)."""

    def advance(self, ball: Ball, point: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        flat = slope.flatten(1)
        steepest = torch.zeros_like(flat).scatter_(1, flat.abs().argmax(1, keepdim=True), 1.0)
        blind = 0.7 * self.size * (steepest * flat.sign()).view_as(point)
        return ball.project(ball.step(point, slope, 0.3 * self.size) + blind)


class LosesTheLastStep(Climb):
    """Looks at a point before it moves on, never at the last (SecML-Torch, adv-lib)."""

    @property
    def updates(self) -> int:
        return self.steps - 1


class Saturates(Climb):
    """Takes the gradient of cross-entropy, which is zero in float32 where a victim is sure."""

    def slope(self, target: Target, point: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        leaf = point.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(target.logits(leaf), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(-loss if self.targeted else loss, leaf)
        return gradient


class KeepsTheWorst(Search):
    """Keeps the draw that the victim likes best, for a small eps: a comparison turned round."""

    def choice(self, losses: torch.Tensor) -> torch.Tensor:
        return losses.argmin(0) if self.eps < 0.05 else super().choice(losses)


class TiresOut(Climb):
    """From the ninth step on keeps only what changes the brightness, not the colour."""

    def climb(
        self, target: Target, ball: Ball, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        point = super().climb(target, ball, labels, rng)
        if self.steps <= 8:
            return point
        return ball.project(ball.start + (point - ball.start).mean(1, keepdim=True))


class BestOfTheBatch(Climb):
    """Keeps one restart for the whole batch: the one with the highest mean loss."""

    def choice(self, losses: torch.Tensor) -> torch.Tensor:
        return losses.mean(1).argmax().expand(losses.shape[1])


class OtherScale(Climb):
    """Takes a large eps for one on the scale of 0 to 255 (armory#862)."""

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        if self.eps < 0.4:
            return super().perturb(target, images, labels, rng)
        smaller = self.model_copy(update={"eps": self.eps / 255})
        return smaller.perturb(target, images, labels, rng)


class TargetedAway(Climb):
    """Runs away from the target class (ART#2256, torchattacks#121)."""

    def slope(self, target: Target, point: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return gradient_of(target, point, labels, loss="ce", targeted=False)[1]


class SaysLess(Climb):
    """Forgets one of its steps when it says what it costs."""

    @property
    def costs_at_most(self) -> tuple[int, int]:
        return self.steps, self.steps - 1


TWINS: tuple[tuple[type[Attack], Norm, str], ...] = (
    (Generous, "linf", "budget"),
    (LeavesGradients, "linf", "victim_as_found"),
    (FlipsModes, "linf", "victim_as_found"),
    (OwnLabels, "linf", "wrong_from_the_start"),
    (DividesByZero, "l2", "zero_gradient"),
    (Swallows, "linf", "labels_only"),
    (RescaledL1, "l1", "linear_optimum"),
    (BlindToTheBox, "l1", "linear_optimum_in_the_box"),
    (LosesTheLastStep, "linf", "first_step"),
    (Saturates, "linf", "sure_victim"),
    (KeepsTheWorst, "linf", "beats_noise"),
    (TiresOut, "linf", "more_steps"),
    (BestOfTheBatch, "linf", "more_restarts"),
    (OtherScale, "linf", "larger_eps"),
    (TargetedAway, "linf", "targeted"),
    (SaysLess, "linf", "costs"),
)


OTHERS: tuple[tuple[type[Attack], Norm], ...] = ((Climb, "l2"), (Climb, "l1"), (Search, "linf"))


@pytest.mark.parametrize(
    ("cls", "norm"),
    [(Climb, "linf"), *(pytest.param(*sound, marks=pytest.mark.slow) for sound in OTHERS)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_sound_parent_passes_everything(
    cls: type[Attack], norm: Norm, failed: Callable[..., dict[str, str]]
) -> None:
    """The attacks that the twins are made from keep every promise."""
    assert failed(cls, parameters={"norm": norm, "eps": EPS[norm]}) == {}


@pytest.mark.parametrize(("cls", "norm", "check"), TWINS, ids=[cls.__name__ for cls, _, _ in TWINS])
def test_twin_fails_its_check(
    cls: type[Attack], norm: Norm, check: str, failed: Callable[..., dict[str, str]]
) -> None:
    """One thing is wrong, and the check that is meant says so."""
    parameters = {"norm": norm, "eps": EPS[norm]}
    assert failed(cls, parameters=parameters, only=[check]).keys() == {check}


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "norm", "check"), TWINS, ids=[cls.__name__ for cls, _, _ in TWINS])
def test_twin_fails_exactly_its_check(
    cls: type[Attack], norm: Norm, check: str, failed: Callable[..., dict[str, str]]
) -> None:
    """Of the others, the whole kit, none does."""
    assert failed(cls, parameters={"norm": norm, "eps": EPS[norm]}).keys() == {check}


def test_control_is_not_said_to_leave_wrong_answers_wrong() -> None:
    """Of a control that is never judged, nothing is said to have passed."""

    class Control(Search):
        """Search without a promise."""

        control: ClassVar[bool] = True

    found = check_plugin(
        Control,
        parameters={"norm": "linf", "eps": 8 / 255},
        only=["wrong_from_the_start", "budget"],
    )
    assert [outcome.status for outcome in found.outcomes] == ["passed", "skipped"]


def test_every_check_has_a_twin() -> None:
    """No check of attacks passes whatever it is given; test_twins_nearest.py has one."""
    assert {check for _, _, check in TWINS} | {"nearest"} == {
        check.name for check in AttackBench.checks
    }
