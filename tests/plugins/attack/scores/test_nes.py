"""NES: an unbiased estimate, the optimum of linear victims, its budget of queries, its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.integrate import quad

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.testing.kinds.attack.victims import KitTarget
from adversity_plugins.attack.scores import _nes_walk as nes_walk
from adversity_plugins.attack.scores.nes import NES

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS = 2000
"""Independent estimates for a z-test of their mean."""


def attack(**parameters: Any) -> AttackCall:
    """Make the attack ready without the registry."""
    return AttackCall(Ready(NES(**parameters), 'attack "nes" (test)'))


class Exact(torch.nn.Module):
    """Two classes with a linear margin, in float64: no rounding beside the estimate."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits `[N, 2]`, float64."""
        margin = (images.double() * self.weights).flatten(1).sum(1)
        return torch.stack([margin, -margin], 1)


def z_scores(weights: torch.Tensor, image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return, value by value, how many standard errors the mean estimate lies off the gradient."""
    ids = [f"s{k}" for k in range(STREAMS)]
    target = KitTarget(Exact(weights), ids, classes=2)
    found = nes_walk.estimated_gradient(
        target, image.expand(STREAMS, -1, -1, -1), torch.zeros(STREAMS, dtype=torch.int64),
        adversity.SampleRng(seed=0, step="a", ids=ids),
        samples=4, sigma=sigma, loss="margin", targeted=False,
    ).double()  # fmt: skip
    error = found.std(0) / STREAMS**0.5
    return (found.mean(0) - (-2 * weights)) / error


@pytest.mark.parametrize(("sigma", "where"), [(0.001, "inside"), (0.2, "inside"), (0.2, "edge")])
def test_estimate_of_a_linear_gradient_is_unbiased(sigma: float, where: str) -> None:
    """The mean of 2 000 estimates is -2w to within chance, also where the box cuts the probes.

    Twelve z-scores: their squares add up to more than 32.9 with probability 0.001 (chi-squared,
    12 degrees of freedom).
    """
    rng = np.random.default_rng(1)
    weights = torch.tensor(rng.normal(size=(1, 1, 3, 4)))
    values = np.linspace(0, 1, 12) if where == "edge" else rng.uniform(0.4, 0.6, 12)
    image = torch.tensor(values, dtype=torch.float32).view(1, 1, 3, 4)
    assert float(z_scores(weights, image, sigma).square().sum()) < 32.9


def test_z_test_notices_an_estimate_that_forgets_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin that divides by 4 sigma^2 everywhere fails at the edge of the box."""
    monkeypatch.setattr(nes_walk, "cut_variance", lambda images, sigma: 4 * sigma**2)
    weights = torch.tensor(np.random.default_rng(1).normal(size=(1, 1, 3, 4)))
    image = torch.linspace(0, 1, 12).view(1, 1, 3, 4)
    assert float(z_scores(weights, image, 0.2).square().sum()) > 100


@pytest.mark.parametrize("sigma", [0.001, 0.3, 1.0])
@pytest.mark.parametrize("value", [0.0, 0.002, 0.3, 0.5, 0.9, 1.0])
def test_cut_variance_is_the_integral(value: float, sigma: float) -> None:
    """The closed form equals numerical integration to 1e-7, relative."""

    def integrand(u: float) -> float:
        gap = min(max(value + sigma * u, 0), 1) - min(max(value - sigma * u, 0), 1)
        return gap**2 * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)

    kinks = [bound / sigma for bound in (value, 1 - value) if 0 < bound / sigma < 10]
    expected = 2 * quad(integrand, 0, 10, points=kinks or None, limit=200)[0]
    found = float(nes_walk.cut_variance(torch.tensor(value, dtype=torch.float64), sigma))
    assert found == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("norm", "eps", "queries", "least"),
    [
        ("linf", 0.05, 1020, 0.9),
        pytest.param("linf", 0.05, 5000, 0.97, marks=pytest.mark.slow),
        pytest.param("l2", 0.4, 5000, 0.97, marks=pytest.mark.slow),
    ],
)
def test_it_comes_near_the_optimum_of_a_linear_victim(
    linear: Any, best_drop: Callable[..., float], norm: str, eps: float, queries: int, least: float
) -> None:
    """With 48 values and the box in the way, 5 000 queries reach 97 % of the best drop, 1 020 90 %.

    A guessed gradient never is the gradient: in l2 a cosine of 0.97 is what momentum over 98
    estimates of 50 queries leaves, in linf a few signs of the smallest weights are wrong.
    """
    rng = np.random.default_rng(2)
    weights = torch.tensor(rng.normal(size=(1, 3, 4, 4)), dtype=torch.float32)
    image = torch.tensor(rng.uniform(-0.2, 1.2, (1, 3, 4, 4)), dtype=torch.float32).clamp(0, 1)
    best = best_drop(weights, image, eps, norm)
    margin = float((weights.double() * image.double()).sum())
    # Just out of reach, so that no success ends it early.
    victim = linear(weights, 1.01 * best - margin)
    call = attack(norm=norm, eps=eps, queries=queries)
    found = call(adversity.target(victim), image, torch.tensor([0]))
    drop = float(((image.double() - found.images.double()) * weights.double()).sum())
    assert not bool(found.success.any())
    assert least <= drop / best <= 1 + 1e-6


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize(("queries", "samples"), [(3, 2), (51, 50), (130, 20), (101, 50)])
def test_no_sample_ever_asks_more_than_its_budget(
    network: Any, images: Any, labels: Any, norm: str, queries: int, samples: int
) -> None:
    """A sample that holds costs whole steps of `samples + 1` up to `queries`, and no gradient."""
    call = attack(norm=norm, eps=1e-5, queries=queries, samples=samples)
    found = call(adversity.target(network), images, labels)
    held = ~found.success
    assert bool(held.any())
    assert set(found.queries[held].tolist()) == {queries // (samples + 1) * (samples + 1)}
    assert int(found.queries.max()) <= queries
    assert not bool(found.gradients.any())


def test_a_fooled_sample_leaves_at_once(network: Any, images: Any, labels: Any) -> None:
    """Fooled samples cost fewer queries than those that hold, and are fooled by their last one."""
    found = attack(eps=0.02, queries=510)(adversity.target(network), images, labels)
    assert 0 < int(found.success.sum()) < len(images)
    assert int(found.queries[found.success].min()) < 510
    assert found.queries[~found.success].unique().tolist() == [510]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_sample_does_not_see_its_neighbours(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Alone, backwards and beside some others, every sample gets the same bytes and costs."""
    call = attack(norm=norm, eps={"linf": 0.02, "l2": 0.2}[norm], queries=84, samples=20)
    ids = [f"s{k}" for k in range(12)]
    whole = call(adversity.target(network), images[:12], labels[:12], ids=ids)
    assert 0 < int(whole.success.sum()) < 12
    for index in ([3], [7, 2], list(range(12))[::-1]):
        part = call(
            adversity.target(network), images[index], labels[index], ids=[ids[k] for k in index]
        )
        assert torch.equal(part.images, whole.images[index])
        assert torch.equal(part.queries, whole.queries[index])


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("eps", [1e-4, 0.03, 0.9])
def test_budget_and_box_hold_exactly(
    network: Any, images: Any, labels: Any, norm: str, eps: float
) -> None:
    """In float64 on the float32 images the distance is at most eps, and values are in [0, 1]."""
    found = attack(norm=norm, eps=eps, queries=63, samples=20)(
        adversity.target(network), images, labels
    )
    assert float(distances(found.images, images, norm).max()) <= eps
    assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1


def test_a_sample_that_holds_gets_its_worst_image(network: Any, images: Any, labels: Any) -> None:
    """Where nothing fools, the image is not the clean one and the margin has fallen."""
    found = attack(eps=0.004, queries=210, samples=20, loss="margin")(
        adversity.target(network), images, labels
    )
    held = ~found.success
    assert bool((found.norms[held] > 0).all())

    def margin(of: torch.Tensor) -> torch.Tensor:
        logits = network(of)
        own = logits.gather(1, labels[:, None])
        return own[:, 0] - logits.scatter(1, labels[:, None], -torch.inf).amax(1)

    assert bool((margin(found.images) < margin(images))[held].all())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_targeted_success_is_the_wanted_class(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """At a large eps half of the samples are given the class after their own."""
    call = attack(norm=norm, eps={"linf": 0.3, "l2": 3.0}[norm], queries=408, targeted=True)
    found = call(adversity.target(network), images, labels)
    assert torch.equal(found.success, found.prediction == (labels + 1) % 10)
    assert float(found.success.float().mean()) > 0.5


def test_a_budget_below_one_step_is_refused_in_words() -> None:
    """One message says what a step costs and what was given."""
    with pytest.raises(ValidationError, match=r"samples \+ 1 = 51.*got 50"):
        NES(eps=0.1, queries=50)
    with pytest.raises(ValidationError, match="multiple of 2"):
        NES(eps=0.1, samples=7)
