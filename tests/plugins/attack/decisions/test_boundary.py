"""The boundary attack: the proposal's geometry, closed-form radii, budgets, rows on their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.testing.kinds.attack.victims import KitTarget
from adversity_plugins.attack.decisions import _boundary_walk as walk
from adversity_plugins.attack.decisions.boundary import Boundary


def attack(**parameters: Any) -> AttackCall:
    """Make the attack ready without the registry."""
    return AttackCall(Ready(Boundary(**parameters), 'attack "boundary" (test)'))


def places(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return images, points near them, noise and steps; the box is far away."""
    rng = np.random.default_rng(seed)
    origin = torch.tensor(rng.uniform(0.45, 0.55, (50, 30)))
    here = origin + torch.tensor(rng.normal(size=(50, 30))) * 0.01
    steps = torch.tensor(rng.uniform(0.001, 0.9, 50))
    return origin, here, torch.tensor(rng.normal(size=(50, 30))), steps


def test_the_step_sideways_stays_on_the_sphere_at_right_angles() -> None:
    """The distance is kept, the angle's tangent is the step, and the step is across.

    All to 1e-12: this is float64 geometry.
    """
    origin, here, noise, steps = places(0)
    beside = walk.on_the_sphere(origin, here, noise, steps)
    before, after = here - origin, beside - origin
    distance = before.norm(dim=1)
    torch.testing.assert_close(after.norm(dim=1), distance, rtol=1e-12, atol=0)
    cosine = (before * after).sum(1) / distance**2
    torch.testing.assert_close((1 / cosine**2 - 1).sqrt(), steps, rtol=1e-9, atol=0)
    across = after / cosine[:, None] - before
    assert float(((across * before).sum(1) / distance**2).abs().max()) < 1e-12


def test_the_step_across_is_the_noises_part_at_right_angles() -> None:
    """What the step adds is parallel to the noise less its part along the way to the image."""
    origin, here, noise, steps = places(1)
    after = walk.on_the_sphere(origin, here, noise, steps) - origin
    before = here - origin
    unit = before / before.norm(dim=1, keepdim=True)
    part = noise - (noise * unit).sum(1, keepdim=True) * unit
    added = after - (after * unit).sum(1, keepdim=True) * unit
    cosine = (part * added).sum(1) / part.norm(dim=1) / added.norm(dim=1)
    torch.testing.assert_close(cosine, torch.ones(50, dtype=torch.float64), rtol=1e-12, atol=0)


def test_the_step_nearer_shortens_the_distance_by_its_share() -> None:
    """Behind it the distance is (1 - step) of the old one, on the line to the image."""
    origin, here, noise, steps = places(2)
    beside = walk.on_the_sphere(origin, here, noise, torch.full((50,), 0.3).double())
    found = walk.towards(origin, here, beside, steps) - origin
    expected = (1 - steps) * (here - origin).norm(dim=1)
    torch.testing.assert_close(found.norm(dim=1), expected, rtol=1e-12, atol=0)
    cosine = (found * (beside - origin)).sum(1) / found.norm(dim=1) / (beside - origin).norm(dim=1)
    assert float(cosine.min()) > 1 - 1e-12


def test_the_box_cuts_a_proposal_and_nothing_is_further_than_asked() -> None:
    """At the edge of the box points stay inside and are never further away than (1 - step)."""
    rng = np.random.default_rng(3)
    origin = torch.tensor(rng.uniform(-0.5, 1.5, (50, 30)).clip(0, 1))
    here = torch.tensor(rng.uniform(-0.5, 1.5, (50, 30)).clip(0, 1))
    steps = torch.full((50,), 0.05).double()
    beside = walk.on_the_sphere(origin, here, torch.tensor(rng.normal(size=(50, 30))), 6 * steps)
    found = walk.towards(origin, here, beside, steps)
    assert 0 <= float(beside.min()) <= float(beside.max()) <= 1
    most = (1 - steps) * (here - origin).norm(dim=1)
    assert bool(((found - origin).norm(dim=1) <= most * (1 + 1e-12)).all())


@pytest.mark.parametrize(
    ("queries", "worst"),
    [
        (300, 1.5),
        pytest.param(1000, 1.1, marks=pytest.mark.slow),
        pytest.param(3000, 1.001, marks=pytest.mark.slow),
    ],
)
def test_distance_falls_to_the_closed_form_as_queries_grow(
    linear: Any, queries: int, worst: float
) -> None:
    """On a linear victim of 48 values the worst of 12 ratios to margin / |w|_2 falls to 1.

    A walk whose steps follow their success comes nearer at a constant rate for each query; the
    figures leave it twice the excess that such walks were seen to have.
    """
    rng = np.random.default_rng(4)
    weights = torch.tensor(rng.normal(size=(1, 3, 4, 4)), dtype=torch.float32)
    images = torch.tensor(rng.uniform(0.3, 0.7, (12, 3, 4, 4)), dtype=torch.float32)
    margins = (images.double() * weights.double()).flatten(1).sum(1)
    bias = 0.05 * float(weights.double().norm()) - float(margins.min())
    radii = (margins + bias) / weights.double().norm()
    found = attack(queries=queries)(
        adversity.target(linear(weights, bias)), images, torch.zeros(12, dtype=torch.int64)
    )
    assert bool(found.success.all())
    ratios = found.norms / radii
    assert 1 - 1e-6 <= float(ratios.min()) <= float(ratios.max()) < worst


@pytest.mark.parametrize("queries", [1, 2, 11, 60, pytest.param(333, marks=pytest.mark.slow)])
def test_no_sample_ever_asks_more_than_its_budget(
    network: Any, images: Any, labels: Any, queries: int
) -> None:
    """The target's own count is `queries` for every sample that found a start, never more."""
    found = attack(queries=queries)(adversity.target(network), images, labels)
    assert found.queries.unique().tolist() == [queries]
    assert not bool(found.gradients.any())


def test_more_queries_are_the_same_walk_gone_on(network: Any, images: Any, labels: Any) -> None:
    """No sample's distance grows with its queries, and most fall."""
    distances = [
        attack(queries=queries)(adversity.target(network), images, labels).norms
        for queries in (50, 100, 200)
    ]
    assert bool((distances[1] <= distances[0]).all())
    assert bool((distances[2] <= distances[1]).all())
    assert float((distances[2] < distances[0]).float().mean()) > 0.9


def test_a_sample_does_not_see_its_neighbours(network: Any, images: Any, labels: Any) -> None:
    """Alone, backwards and beside some others, every sample gets the same bytes and costs."""
    call = attack(queries=100, eps=0.7)
    ids = [f"s{k}" for k in range(12)]
    whole = call(adversity.target(network), images[:12], labels[:12], ids=ids)
    assert len(whole.queries.unique()) > 1
    for index in ([3], [7, 2], list(range(12))[::-1]):
        part = call(
            adversity.target(network), images[index], labels[index], ids=[ids[k] for k in index]
        )
        assert torch.equal(part.images, whole.images[index])
        assert torch.equal(part.queries, whole.queries[index])


def test_with_eps_a_sample_leaves_when_it_is_near_enough(
    network: Any, images: Any, labels: Any
) -> None:
    """Success within eps is the same as without leaving early, for fewer queries."""
    plain = attack(queries=150)(adversity.target(network), images, labels)
    eps = float(plain.norms.median())
    early = attack(queries=150, eps=eps)(adversity.target(network), images, labels)
    assert torch.equal(early.success, plain.norms <= eps)
    assert bool((early.solved_at[early.success] == early.queries[early.success]).all())
    assert int(early.queries.sum()) < int(plain.queries.sum())


def test_it_works_on_a_victim_that_gives_labels_only(
    network: Any, images: Any, labels: Any
) -> None:
    """Through decisions alone it finds the same images as on the network itself."""
    answers = []
    for gives in ("logits", "labels"):
        ids = [f"s{k}" for k in range(4)]
        victim = KitTarget(network, ids, classes=10, gives=gives).granted("decisions")
        rng = adversity.SampleRng(seed=0, step="a", ids=ids)
        answers.append(Boundary(queries=150).perturb(victim, images[:4], labels[:4], rng))
    assert torch.equal(*answers)
    assert bool((answers[0] != images[:4]).flatten(1).any(1).all())


def test_an_image_that_is_wrong_from_the_start_comes_back_wrong_without_nan(
    network: Any, images: Any, labels: Any
) -> None:
    """The distance falls to nothing, by which the walk's unit vectors must not divide."""
    ids = [f"s{k}" for k in range(4)]
    rng = adversity.SampleRng(seed=0, step="a", ids=ids)
    wrong = (labels[:4] + 1) % 10
    found = Boundary(queries=300).perturb(
        KitTarget(network, ids, classes=10), images[:4], wrong, rng
    )
    assert bool(found.isfinite().all())
    assert bool((network(found).argmax(1) != wrong).all())


def test_a_twin_with_one_noise_for_the_batch_is_caught(
    monkeypatch: pytest.MonkeyPatch, network: Any, images: Any, labels: Any
) -> None:
    """Where the noise of the first row serves all, a sample's answer depends on its neighbours."""
    sound = walk.on_the_sphere

    def shared(origin: Any, here: Any, noise: Any, step: Any) -> torch.Tensor:
        return sound(origin, here, noise[:1].expand_as(noise), step)

    monkeypatch.setattr(walk, "on_the_sphere", shared)
    call = attack(queries=100)
    whole = call(adversity.target(network), images[:6], labels[:6], ids=list("abcdef"))
    part = call(adversity.target(network), images[5:6], labels[5:6], ids=["f"])
    assert not torch.equal(part.images, whole.images[5:6])
