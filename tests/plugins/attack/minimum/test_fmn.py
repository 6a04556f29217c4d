"""FMN's projections, costs and the boundary that rounding must not keep it from crossing."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum import _fmn_search as fmn_search
from adversity_plugins.attack.minimum._fmn_search import annealed, onto_ball
from adversity_plugins.attack.minimum.fmn import FMN


def fmn(**given: Any) -> AttackCall:
    """Return the attack, ready to call, without the registry."""
    return AttackCall(Ready(FMN(**given), 'attack "fmn" (test)'))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_projection_is_the_nearest_point_of_ball_and_box(norm: Any) -> None:
    """No point that a general solver (SLSQP) finds in ball and box is nearer."""
    draw = np.random.default_rng(0)
    delta, room = draw.normal(size=(6, 5)), draw.uniform(0, 1.2, (6, 5))
    radius = np.array([[0.1], [0.5], [1.0], [1.5], [3.0], [np.inf]])
    found = onto_ball(*map(torch.from_numpy, (delta, room, radius)), norm).numpy()
    order = {"linf": np.inf, "l2": 2, "l1": 1}[norm]
    for row in range(5):
        sign, size, bound = np.sign(delta[row]), np.abs(delta[row]), float(radius[row, 0])
        assert np.linalg.norm(found[row], order) <= bound * (1 + 1e-9)
        top = np.minimum(room[row], bound)
        limit = {
            "linf": lambda t, b=bound: b - t.max(),
            "l2": lambda t, b=bound: b * b - t @ t,
            "l1": lambda t, b=bound: b - t.sum(),
        }[norm]
        best = minimize(
            lambda t, s=size: ((t - s) ** 2).sum(),
            top * min(1.0, bound / max(np.linalg.norm(top, 1), 1e-9)),
            jac=lambda t, s=size: 2 * (t - s),
            bounds=[(0, float(b)) for b in top],
            constraints=[] if norm == "linf" else [{"type": "ineq", "fun": limit}],
            options={"maxiter": 500, "ftol": 1e-14},
        )
        assert np.abs(found[row] - sign * best.x).max() < 1e-5
    assert np.array_equal(found[5], np.sign(delta[5]) * np.minimum(np.abs(delta[5]), room[5]))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_one_gradient_a_step(network: Any, images: Any, labels: Any, norm: str) -> None:
    """k steps from the image cost k gradients; the point after the last is looked at."""
    victim = adversity.target(network)
    result = fmn(norm=norm, steps=7, start="image")(victim, images, labels)
    assert result.gradients.tolist() == [7] * len(images)


def test_point_after_the_last_step_counts(network: Any, images: Any, labels: Any) -> None:
    """One step from the image finds a failure for some: who never looks there has none."""
    result = fmn(norm="l2", steps=1, start="image")(adversity.target(network), images, labels)
    assert bool(result.success.any())


def test_start_at_deepfool_is_no_worse_in_the_median(
    network: Any, images: Any, labels: Any
) -> None:
    """Where DeepFool chooses the class, the distance is not larger than from the image."""
    victim = adversity.target(network)
    for norm in ("linf", "l2"):
        image = fmn(norm=norm, steps=60, start="image")(victim, images, labels).norms
        there = fmn(norm=norm, steps=60)(victim, images, labels).norms
        assert float(there.median()) <= float(image.median()) * 1.001


def test_twin_whose_first_radius_only_touches_never_crosses(monkeypatch: Any) -> None:
    """A linear victim in l2: the estimated radius ends just short of the boundary by rounding."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(2, 64, generator=generator)

    class Linear(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (images.double().flatten(1) @ weights.double().T).float()

    images = 0.4 + 0.2 * torch.rand(16, 1, 8, 8, generator=generator)
    victim = adversity.target(Linear())
    labels = victim.bind([str(i) for i in range(16)]).answer(images).predicted
    attack = fmn(norm="l2", start="image")
    assert bool(attack(victim, images, labels).success.all())

    def touching(radius: Any, hit: Any, best: Any, expected: Any, share: float) -> Any:
        known = best.isfinite()
        outwards = torch.where(known, radius * (1 + share), expected)
        return torch.where(hit, torch.minimum(radius, best) * (1 - share), outwards)

    monkeypatch.setattr(fmn_search, "_resized", touching)
    assert not bool(attack(victim, images, labels).success.all())


def test_annealing_ends_where_it_should() -> None:
    """From the first to the last value, falling all the way; a single step takes the first."""
    values = [annealed(1.0, 1e-3, step, 20) for step in range(20)]
    assert (values[0], values[-1]) == (1.0, pytest.approx(1e-3))
    assert all(b < a for a, b in itertools.pairwise(values))
    assert annealed(1.0, 1e-3, 0, 1) == 1.0
