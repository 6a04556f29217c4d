"""FAB: exact distances of linear victims, counts, what a failure brings back, independence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum import _fab_search as fab_search
from adversity_plugins.attack.minimum.fab import FAB

NORMS = ("linf", "l2", "l1")
FIRST = ("linf", *(pytest.param(norm, marks=pytest.mark.slow) for norm in ("l2", "l1")))
"""For what is no matter of the norm: one of them with the fast tests, the others with the slow."""
SMALL = {"linf": 0.004, "l2": 0.06, "l1": 0.3}
"""An eps at which a part of the samples has a failure."""


def ready(plugin: type[Any] = FAB, /, **parameters: Any) -> AttackCall:
    """Make an attack ready without the registry."""
    return AttackCall(Ready(plugin(**parameters), f'attack "{plugin.name}" (test)'))


def affine(weights: Any, bias: Any) -> torch.nn.Module:
    """Return a linear victim with these weights `[K, D]`, in float64 inside."""

    class Affine(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            flat = images.double().flatten(1)
            return (flat @ torch.as_tensor(weights).double().T + torch.as_tensor(bias)).float()

    return Affine()


@pytest.mark.parametrize("targets", [0, 2])
@pytest.mark.parametrize(("norm", "radius"), [("linf", 7 / 30), ("l2", 0.3130495), ("l1", 0.35)])
def test_golden_radius(norm: str, radius: float, targets: int) -> None:
    """W = diag(1, 2, -1), b = (.5, 0, 0), x = (1, .4, .2): the radii worked out by hand.

    Halved and shifted by a quarter into the box. One part in 10 000 is left by the last search,
    which stops a thousandth of its last interval over the edge.
    """
    weights, bias = np.diag([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 0.0])
    shift = np.array([0.5, 0.5, 0.5])
    victim = affine(2 * weights, bias - weights @ shift)
    image = (torch.tensor([1.0, 0.4, 0.2]) + 0.5).view(1, 1, 1, 3) / 2
    found = ready(norm=norm, eps=1.0, targets=targets, early_stop=False)(
        adversity.target(victim), image, torch.tensor([0])
    )
    assert bool(found.success[0])
    assert float(found.norms[0]) == pytest.approx(radius / 2, rel=1e-4)
    assert float(found.norms[0]) >= radius / 2 * (1 - 1e-6)


def exact_radius(x: np.ndarray, w: np.ndarray, gap: float, norm: str) -> float:
    """Return how far the plane `w . delta = gap` is inside the box; infinite if it is not there."""
    size, room = len(x), np.where(w > 0, 1 - x, x)
    if np.abs(w) @ room <= gap:
        return np.inf
    if norm == "linf":
        return float(brentq(lambda s: np.abs(w) @ np.minimum(s, room) - gap, 0, 1, xtol=1e-15))
    if norm == "l2":
        m = brentq(lambda m: w @ (np.clip(x + m * w, 0, 1) - x) - gap, 0, 1e6, xtol=1e-15)
        return float(np.linalg.norm(np.clip(x + m * w, 0, 1) - x))
    cost = linprog(np.ones(size), A_eq=np.abs(w)[None], b_eq=[gap], bounds=[(0, r) for r in room])
    return float(cost.fun)


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)  # of four images each
def test_nearest_failure_of_linear_victims_in_the_box(norm: str, seed: int) -> None:
    """With five classes and a third of the values at the bounds: to one part in a thousand.

    Never below the radius. That is a walk for each class: the nearest of all is chosen by the dual
    norm, as in the paper, which does not see the box.
    """
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(5, 48)), rng.normal(size=5)
    images = torch.tensor(rng.uniform(-0.3, 1.3, (4, 3, 4, 4)).clip(0, 1), dtype=torch.float32)
    victim = affine(weights, bias)
    labels = victim(images).argmax(1)
    anywhere = {"linf": 1.0, "l2": 6.9, "l1": 48.0}[norm]  # nearly or all of the space
    found = ready(norm=norm, eps=anywhere, early_stop=False, steps=20, targets=4)(
        adversity.target(victim), images, labels
    )
    for row in range(4):
        x, own = images[row].double().flatten().numpy(), int(labels[row])
        scores = weights @ x + bias
        radius = min(
            exact_radius(x, weights[k] - weights[own], scores[own] - scores[k], norm)
            for k in range(5)
            if k != own
        )
        assert bool(found.success[row])
        # Images are float32: each value may be off by half a spacing just below 1.
        rounding = 3e-8 * {"linf": 1, "l2": 48**0.5, "l1": 48}[norm]
        reached = float(found.norms[row])
        assert (1 - 1e-5) * radius - rounding <= reached <= 1.001 * radius + rounding


@pytest.mark.parametrize("norm", NORMS)
def test_it_decides_at_the_radius(norm: str) -> None:
    """A tenth of a percent above the radius of a linear victim it succeeds, below it cannot."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(2, 27))
    image = torch.tensor(rng.uniform(0.3, 0.7, (1, 3, 3, 3)), dtype=torch.float32)
    x = image.double().flatten().numpy()
    victim = affine(weights, np.array([0.3, 0.0]) - weights @ x)
    radius = exact_radius(x, weights[1] - weights[0], 0.3, norm)
    for factor, succeeds in ((0.999, False), (1.001, True)):
        for targets in (0, 9):
            attack = ready(norm=norm, eps=factor * radius, targets=targets)
            found = attack(adversity.target(victim), image, torch.tensor([0]))
            assert bool(found.success[0]) is succeeds
            # What fails is the worst of the budget, which is on its edge.
            assert float(found.norms[0]) >= 0.99 * factor * radius


class CleanWhereItFails(FAB):
    """A twin that gives back the clean image where it finds nothing, as the original does."""

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        """Undo what does not fool."""
        changed = super().perturb(target, images, labels, rng)
        return torch.where(
            (target.decisions(changed) != labels)[:, None, None, None], changed, images
        )


def rise_where_it_fails(
    plugin: type[Any], network: Any, images: Any, labels: Any, norm: str
) -> torch.Tensor:
    """Return by how much the margin of the samples that hold has risen."""
    found = ready(plugin, norm=norm, eps=SMALL[norm], steps=20)(
        adversity.target(network), images, labels
    )
    assert 0 < int(found.success.sum()) < len(images)

    def margin(points: torch.Tensor) -> torch.Tensor:
        logits = network(points).detach()
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        return others - logits.gather(1, labels[:, None])[:, 0]

    return (margin(found.images) - margin(images))[~found.success]


@pytest.mark.parametrize("norm", FIRST)
def test_a_sample_that_holds_comes_back_worse(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """What fails is not the clean image: every margin has risen; the twin's has not."""
    assert bool((rise_where_it_fails(FAB, network, images, labels, norm) > 0).all())
    twin = rise_where_it_fails(CleanWhereItFails, network, images, labels, norm)
    assert not bool((twin > 0).any())


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(1e-4, 1))
@settings(max_examples=12, deadline=None)
def test_budget_and_box_hold_exactly(norm: str, seed: int, share: float) -> None:
    """In float64, on the float32 images: |delta| <= eps and every value in [0, 1]."""
    eps = share * {"linf": 1.0, "l2": 5.0, "l1": 25.0}[norm]
    rng = np.random.default_rng(seed)
    images = torch.tensor(rng.uniform(-0.2, 1.2, (3, 1, 5, 5)).clip(0, 1), dtype=torch.float32)
    victim = affine(rng.normal(size=(3, 25)), rng.normal(size=3))
    labels = victim(images).argmax(1)
    found = ready(norm=norm, eps=eps, steps=5, restarts=2)(
        adversity.target(victim), images, labels, seed=seed
    )
    assert float(distances(found.images, images, norm).max()) <= eps
    assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1


def test_cost_is_what_it_says(network: Any, images: Any, labels: Any) -> None:
    """A sample that holds takes a gradient for each of the K classes a step and restart.

    With `targets` it is one for each of them, and there are K - 1 at most.
    """
    victim = adversity.target(network)

    def gradients(**given: Any) -> list[int]:
        return ready(eps=1e-6, steps=4, **given)(victim, images, labels).gradients.tolist()  # type: ignore[no-any-return]

    assert gradients() == [40] * len(images)
    assert gradients(restarts=2) == [80] * len(images)
    assert gradients(targets=3) == [12] * len(images)
    assert gradients(targets=50) == [36] * len(images)


@pytest.mark.parametrize("norm", FIRST)
def test_early_stop_keeps_every_success(network: Any, images: Any, labels: Any, norm: str) -> None:
    """Leaving early costs less and fools as many; staying on finds nearer images."""
    victim = adversity.target(network)
    early = ready(norm=norm, eps=2 * SMALL[norm], steps=20)(victim, images, labels)
    late = ready(norm=norm, eps=2 * SMALL[norm], steps=20, early_stop=False)(victim, images, labels)
    assert torch.equal(early.success, late.success)
    assert int(early.gradients.sum()) < int(late.gradients.sum())
    assert bool((late.norms <= early.norms * (1 + 1e-6))[late.success].all())
    assert float(late.norms[late.success].mean()) < float(early.norms[late.success].mean())


def test_wrong_from_the_start_is_left_alone(network: Any, images: Any, labels: Any) -> None:
    """What is wrong already is a failure at distance 0, for one query."""
    victim = adversity.target(network).bind([str(i) for i in range(len(images))])
    rng = adversity.SampleRng(seed=0, step="t", ids=victim.ids)
    how = FAB(norm="l2", eps=1.0, steps=3, restarts=2)
    answer = how.perturb(victim, images, (labels + 1) % 10, rng)
    assert torch.equal(answer, images)
    assert victim.counts.queries[: len(images)].tolist() == [1] * len(images)


def moved_by_company(plugin: type[Any], network: Any, images: Any, labels: Any, **how: Any) -> int:
    """Return how many samples come out otherwise alone, in another order, or among a few."""
    victim = adversity.target(network)
    ids = [f"s{i}" for i in range(len(images))]
    attack = ready(plugin, **{"steps": 3, "restarts": 2, **how})

    def run(index: list[int]) -> torch.Tensor:
        names = [ids[i] for i in index]
        return attack(victim, images[index], labels[index], ids=names, seed=5).images  # type: ignore[no-any-return]

    whole, count = run(list(range(len(images)))), 0
    for index in ([3], list(range(23, -1, -1)), [1, 3, 5, 7, 9]):
        count += int((run(index) != whole[index]).flatten(1).any(1).sum())
    return count


@pytest.mark.parametrize("targets", [0, 3])
@pytest.mark.parametrize("norm", FIRST)
def test_a_sample_is_the_same_in_any_company(
    network: Any, images: Any, labels: Any, norm: str, targets: int
) -> None:
    """Batch size and order do not move a bit, though fooled neighbours leave."""
    how = {"norm": norm, "eps": SMALL[norm], "targets": targets}
    assert moved_by_company(FAB, network, images, labels, **how) == 0


def test_the_twin_whose_start_goes_by_position_is_caught(
    network: Any, images: Any, labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starts drawn for the batch as a whole make a sample depend on its place in it."""

    def around(ball: Any, rng: Any) -> torch.Tensor:
        del rng
        draw = torch.rand(ball.start.shape, generator=torch.Generator().manual_seed(0))
        return (ball.start + ball.eps * (draw - 0.5)).clamp(0, 1)

    monkeypatch.setattr(fab_search, "_around", around)
    # One step a walk: longer ones end at the same place from anywhere.
    how = {"norm": "linf", "eps": 0.02, "steps": 1, "restarts": 4, "early_stop": False}
    assert moved_by_company(FAB, network, images, labels, **how) > 0
    monkeypatch.undo()
    assert moved_by_company(FAB, network, images, labels, **how) == 0


@pytest.mark.parametrize("norm", FIRST)
def test_more_of_anything_never_loses_a_success(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Success with more restarts, or more classes to go for, includes that with fewer."""
    victim, how = adversity.target(network), {"norm": norm, "eps": SMALL[norm], "steps": 5}
    few = ready(targets=1, **how)(victim, images, labels)
    for more in ({"targets": 1, "restarts": 3}, {"targets": 5}):
        found = ready(**how, **more)(victim, images, labels)
        assert bool((found.success | ~few.success).all())
        assert torch.equal(found.images[few.success], few.images[few.success])
