"""What cannot be an ensemble as a victim, or breaks as one: said with the member's name."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from toy_ensemble import Mean, Other

import adversity
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError


class Blind(Other):
    """Has no gradient."""

    name: ClassVar[str] = "blind"
    differentiable: ClassVar[bool] = False


class Labels(Other):
    """Gives labels only."""

    name: ClassVar[str] = "labels"
    gives: ClassVar[Any] = "labels"


class Strangers(Other):
    """Knows other classes."""

    name: ClassVar[str] = "strangers"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "d", "c")


class Infinite(Other):
    """Gives infinity where an image is bright."""

    name: ClassVar[str] = "infinite"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        answer = super().logits(images)
        return answer.masked_fill(images.mean((1, 2, 3))[:, None] > 0.5, torch.inf)


def test_a_member_without_a_gradient_is_named(
    ensemble: Any, members: Any, make_ready: Any, images: Any
) -> None:
    """For attacks by gradients alone: others see scores and decisions as of any victim."""
    victim = ensemble(members[0], (Link("dark", make_ready(Blind()), "seed=2"),))
    assert bool(victim.logits(images).isfinite().all())
    why = r'has no gradient \(dark\[seed=2\], classifier "blind" \(test 1.0\): it is not diff'
    with pytest.raises(InputError, match=why):
        victim.logits(images.clone().requires_grad_())


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            Labels,
            r'"labels" \(test 1.0\) gives labels only, and uncertainty "mean" \(test 1.0\) com',
        ),
        (
            Strangers,
            r"must answer with the same classes in the same order; classifier \"net\" \(te",
        ),
    ],
)
def test_members_that_cannot_be_combined_are_refused(
    ensemble: Any, members: Any, make_ready: Any, member: Any, message: str
) -> None:
    """When the target is made."""
    with pytest.raises(InputError, match=message):
        ensemble(members[0], (Link("odd", make_ready(member())),))


def test_a_member_whose_answer_is_not_finite_is_named(
    ensemble: Any, members: Any, make_ready: Any, images: Any
) -> None:
    """And not what combines; where the attack's images are not finite, the attack is."""
    victim = ensemble(members[0], (Link("odd", make_ready(Infinite())),))
    with pytest.raises(PluginError, match='classifier "infinite"'):
        victim.logits(images)
    with pytest.raises(PluginError, match="the attack queried images that hold NaN"):
        ensemble(members[0]).logits(images * torch.nan)


def test_what_combines_without_a_gradient_is_named(
    members: Any, make_ready: Any, images: Any, ids: Any
) -> None:
    """Whether it says so or does not."""

    class Said(Mean):
        """Says that it has none."""

        name: ClassVar[str] = "said"
        differentiable: ClassVar[bool] = False

    class Unsaid(Mean):
        """Has none."""

        name: ClassVar[str] = "unsaid"

        def combine(self, members: torch.Tensor) -> torch.Tensor:
            return super().combine(members.detach())

    point = images.clone().requires_grad_()
    for cls, error, message in (
        (Said, InputError, r'has no gradient \(mean, uncertainty "said"'),
        (Unsaid, PluginError, 'uncertainty "unsaid".*expected an answer that can be differ'),
    ):
        victim = ChainTarget((Bundle("mean", make_ready(cls()), tuple(members)),), ids=ids)
        with pytest.raises(error, match=message):
            victim.logits(point)


def test_from_python_what_is_missing_is_said() -> None:
    """Victims without what combines them, and the other way round."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    other = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    combine = adversity.create("uncertainty", "deep_ensemble")
    entropy = adversity.create("uncertainty", "entropy")
    victim = adversity.target(net)
    for links, message in (
        ((victim, victim), "expected what makes one answer of 2 victims behind them, got nothing"),
        ((victim, entropy), 'one answer of 1 victims at position 1, got uncertainty "entropy"'),
        ((net, combine), "at position 1 combines members: expected them before it"),
        ((victim, combine, net), "exactly one classifier, got 2"),
    ):
        with pytest.raises(InputError, match=message):
            adversity.target(*links)
    uneven = adversity.target(victim, adversity.target(other), combine)
    with pytest.raises(InputError, match="must answer with the same classes, got other numbers"):
        uneven.bind(["s"]).answer(torch.rand(1, 3, 2, 2))
