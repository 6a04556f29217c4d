"""DeepFool: what it costs, its rivals, and samples that are wrong or blind from the start."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum.deepfool import DeepFool


def deepfool(**given: Any) -> AttackCall:
    """Return the attack, ready to call, without the registry."""
    return AttackCall(Ready(DeepFool(**given), 'attack "deepfool" (test)'))


class Rows(torch.nn.Module):
    """Linear logits of two values."""

    def __init__(self, weights: list[list[float]], bias: list[float]) -> None:
        super().__init__()
        self.weights, self.bias = torch.tensor(weights), torch.tensor(bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weights.T + self.bias


def test_one_gradient_for_each_rival_and_step(network: Any, images: Any, labels: Any) -> None:
    """Ten classes, one step: as many gradients as candidates, and never more than nine."""
    victim = adversity.target(network)
    for candidates, cost in ((1, 1), (4, 4), (9, 9), (50, 9)):
        attack = deepfool(candidates=candidates, steps=1, tangents=0)
        assert attack(victim, images, labels).gradients.tolist() == [cost] * len(images)


def test_tangents_cost_one_gradient_each(network: Any, images: Any, labels: Any) -> None:
    """Three steps along the boundary add three gradients to every sample that has a failure."""
    victim = adversity.target(network)
    bare = deepfool(tangents=0)(victim, images, labels)
    moved = deepfool(tangents=3)(victim, images, labels)
    assert (moved.gradients - bare.gradients).tolist() == [3] * len(images)
    assert bool((moved.norms <= bare.norms * (1 + 2e-6)).all())
    assert float((moved.norms / bare.norms).median()) < 0.999


def test_nearest_class_is_not_the_one_that_is_ahead() -> None:
    """Class 1 lags by 0.2 with slope 1 (0.2 away), class 2 by 0.6 with slope 10 (0.06 away)."""
    victim = adversity.target(Rows([[0.0, 0.0], [1.0, 0.0], [0.0, 10.0]], [0.7, 0.0, -4.9]))
    image, label = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    near = deepfool()(victim, image, label)
    assert int(near.prediction[0]) == 2
    assert float(near.norms[0]) == pytest.approx(0.06, rel=1e-4)
    # With one candidate only the class that is ahead is looked at.
    ahead = deepfool(candidates=1, tangents=0)(victim, image, label)
    assert int(ahead.prediction[0]) == 1
    assert float(ahead.norms[0]) == pytest.approx(0.2, rel=1e-4)


def test_class_that_the_box_keeps_out_of_reach_is_left() -> None:
    """The nearer plane lies outside the box; the step goes to the further one, inside."""
    # Class 1 wins where x1 > 1.02, class 2 where x2 > 0.7.
    victim = adversity.target(Rows([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, -1.02, -0.7]))
    image = torch.tensor([1.0, 0.5]).view(1, 1, 1, 2)
    result = deepfool()(victim, image, torch.tensor([0]))
    assert int(result.prediction[0]) == 2
    assert float(result.norms[0]) == pytest.approx(0.2, rel=1e-4)


def test_rival_without_a_gradient_is_never_the_nearest() -> None:
    """A class whose lead no pixel changes is passed over, however close its logit."""
    victim = adversity.target(Rows([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]], [0.7, 0.69, 0.0]))
    image = torch.full((1, 1, 1, 2), 0.5)
    result = deepfool()(victim, image, torch.tensor([0]))
    assert int(result.prediction[0]) == 2
    assert float(result.norms[0]) == pytest.approx(0.2, rel=1e-4)


def test_all_logits_negative_changes_nothing(network: Any, images: Any, labels: Any) -> None:
    """Logits lowered by 64 (exact in float32's grid here to 1e-5) end at the same distances."""

    class Lowered(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return network(given) - 64.0

    near = deepfool()(adversity.target(network), images, labels).norms
    low = deepfool()(adversity.target(Lowered()), images, labels).norms
    assert float((low / near - 1).abs().max()) < 1e-3
