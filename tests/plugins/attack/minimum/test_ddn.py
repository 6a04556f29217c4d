"""DDN: one gradient a step, points at exactly their distance, and a victim that is very sure."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum.ddn import DDN


def ddn(**given: Any) -> AttackCall:
    """Return the attack, ready to call, without the registry."""
    return AttackCall(Ready(DDN(**given), 'attack "ddn" (test)'))


def test_one_gradient_a_step(network: Any, images: Any, labels: Any) -> None:
    """k steps cost k gradients, and drawing in costs none."""
    victim = adversity.target(network)
    for steps in (5, 20):
        result = ddn(steps=steps)(victim, images, labels)
        assert bool(result.success.all())
        assert result.gradients.tolist() == [steps] * len(images)


def test_points_follow_the_rule_of_the_distance() -> None:
    """One value at 0.1, boundary at 0.42: distances 0.2, 0.3 and 0.45, then 0.225 after a failure.

    The point after the last step is asked about without a gradient, and is not among them.
    """
    asked: list[float] = []

    class Threshold(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if images.requires_grad:
                asked.append(float(images.detach()[0, 0, 0, 0]))
            lead = images.flatten(1).sum(1) - 0.42
            return torch.stack([-lead, lead], 1)

    image = torch.full((1, 1, 1, 1), 0.1)
    result = ddn(steps=5, first_radius=0.2, gamma=0.5)(
        adversity.target(Threshold()), image, torch.tensor([0])
    )
    assert asked == pytest.approx([0.1, 0.3, 0.4, 0.55, 0.325], abs=1e-6)
    assert float(result.norms[0]) == pytest.approx(0.32, rel=1e-5)


def test_very_sure_victim_falls(network: Any, images: Any, labels: Any) -> None:
    """Logits times 1000, where the gradient of cross-entropy is zero: the same distances."""

    class Loud(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return network(given) * 1024.0

    calm = ddn(steps=40)(adversity.target(network), images, labels)
    loud = ddn(steps=40)(adversity.target(Loud()), images, labels)
    assert bool(loud.success.all())
    assert float((loud.norms / calm.norms - 1).abs().max()) < 1e-4
