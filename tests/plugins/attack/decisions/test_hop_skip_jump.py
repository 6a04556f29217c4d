"""HopSkipJump: closed-form radii, budgets, rows on their own, and the defects it must not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError
from adversity.testing.kinds.attack.victims import KitTarget
from adversity_plugins.attack.decisions import _hop_skip_jump_walk as walk
from adversity_plugins.attack.decisions import _starting_points as starts
from adversity_plugins.attack.decisions._decision_queries import DecisionQueries
from adversity_plugins.attack.decisions.hop_skip_jump import HopSkipJump

if TYPE_CHECKING:
    from collections.abc import Callable

DUAL = {"l2": 2, "linf": 1}


def attack(**parameters: Any) -> AttackCall:
    """Make the attack ready without the registry."""
    return AttackCall(Ready(HopSkipJump(**parameters), 'attack "hop_skip_jump" (test)'))


def linear_crowd(linear: Any, norm: str, radius: float) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """Return a linear victim of 36 values, 12 images and their closed-form radii."""
    rng = np.random.default_rng(3)
    weights = torch.tensor(rng.normal(size=(1, 1, 6, 6)), dtype=torch.float32)
    images = torch.tensor(rng.uniform(0.3, 0.7, (12, 1, 6, 6)), dtype=torch.float32)
    dual = float(np.linalg.norm(weights.double().numpy().ravel(), DUAL[norm]))
    margins = (images.double() * weights.double()).flatten(1).sum(1)
    bias = radius * dual - float(margins.min())
    return linear(weights, bias), images, (margins + bias) / dual


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize(
    ("fewer", "queries", "worst", "median"),
    [
        (200, 600, 1.5, 1.25),
        pytest.param(600, 1500, 1.25, 1.10, marks=pytest.mark.slow),
        pytest.param(600, 5000, 1.10, 1.04, marks=pytest.mark.slow),
    ],
)
def test_distance_falls_to_the_closed_form_as_queries_grow(
    linear: Any, norm: str, fewer: int, queries: int, worst: float, median: float
) -> None:
    """The worst of 12 linear radii is within a half after 600 queries, a tenth after 5 000.

    The radius is margin / |w|_q. What is left is the error of a guessed normal, which falls as
    one over the root of the queries.
    """
    victim, images, radii = linear_crowd(linear, norm, 0.05)
    labels = torch.zeros(len(images), dtype=torch.int64)
    ratios = []
    for budget in (fewer, queries):
        found = attack(norm=norm, queries=budget)(adversity.target(victim), images, labels)
        assert bool(found.success.all())
        ratios.append(found.norms / radii)
        assert float(ratios[-1].min()) >= 1 - 1e-6
    assert float(ratios[1].max()) < worst
    assert float(ratios[1].median()) < median
    assert bool((ratios[1] <= ratios[0]).all())


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("queries", [1, 2, 7, 60, pytest.param(333, marks=pytest.mark.slow)])
def test_no_sample_ever_asks_more_than_its_budget(
    network: Any, images: Any, labels: Any, norm: str, queries: int
) -> None:
    """The target's own count stays within `queries` for every sample, and no gradient is used."""
    found = attack(norm=norm, queries=queries)(adversity.target(network), images, labels)
    assert int(found.queries.max()) <= queries
    assert int(found.queries.min()) >= 1
    assert not bool(found.gradients.any())


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_every_answer_is_a_failure_that_was_asked_about(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """What comes back fools the victim and lies in the box, or is the image itself."""
    found = attack(norm=norm, queries=150)(adversity.target(network), images, labels)
    assert bool((found.success == (found.norms > 0)).all())
    assert float(found.success.float().mean()) > 0.9
    assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1


@pytest.mark.parametrize("norm", ["l2", pytest.param("linf", marks=pytest.mark.slow)])
def test_a_sample_does_not_see_its_neighbours(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Alone, backwards and beside some others, every sample gets the same bytes and costs."""
    call = attack(norm=norm, queries=90, eps=0.5 if norm == "l2" else 0.05)
    ids = [f"s{k}" for k in range(12)]
    whole = call(adversity.target(network), images[:12], labels[:12], ids=ids)
    for index in ([3], [7, 2], list(range(12))[::-1]):
        part = call(
            adversity.target(network), images[index], labels[index], ids=[ids[k] for k in index]
        )
        assert torch.equal(part.images, whole.images[index])
        assert torch.equal(part.queries, whole.queries[index])


def test_a_budget_cut_short_is_a_walk_cut_short(network: Any, images: Any, labels: Any) -> None:
    """Distances never grow with the queries, sample by sample, while the probes stay the same.

    The two walks are one up to where the smaller budget ends; the nearest failure is kept.
    """
    one, two = (
        attack(queries=queries)(adversity.target(network), images, labels) for queries in (100, 250)
    )
    assert bool((two.norms <= one.norms * (1 + 1e-12)).float().mean() > 0.9)
    assert float(two.norms.median()) < 0.8 * float(one.norms.median())


def test_with_eps_a_sample_leaves_when_it_is_near_enough(
    network: Any, images: Any, labels: Any
) -> None:
    """Success within eps is the same as without leaving early, for fewer queries."""
    plain = attack(queries=150)(adversity.target(network), images, labels)
    eps = float(plain.norms.median())
    early = attack(queries=150, eps=eps)(adversity.target(network), images, labels)
    assert torch.equal(early.success, plain.norms <= eps)
    assert int(early.queries.sum()) < int(plain.queries.sum())
    assert bool((early.solved_at[early.success] == early.queries[early.success]).all())


def test_it_works_on_a_victim_that_gives_labels_only(
    network: Any, images: Any, labels: Any
) -> None:
    """Through decisions alone it finds the same images as on the network itself."""
    plugin = HopSkipJump(queries=150)
    answers = []
    for gives in ("logits", "labels"):
        ids = [f"s{k}" for k in range(4)]
        victim = KitTarget(network, ids, classes=10, gives=gives).granted("decisions")
        rng = adversity.SampleRng(seed=0, step="a", ids=ids)
        answers.append(plugin.perturb(victim, images[:4], labels[:4], rng))
    assert torch.equal(*answers)
    assert float(distances(answers[0], images[:4], "l2").min()) > 0
    with pytest.raises(InputError, match="decisions"):
        victim.logits(images[:4])


def test_a_victim_without_a_failure_costs_the_tries_and_returns_the_image(
    images: Any,
) -> None:
    """A constant victim has no start: `start_tries` queries, and the image as it was."""
    constant = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    with torch.no_grad():
        constant[1].weight.zero_()
        constant[1].bias.copy_(torch.tensor([1.0, 0.0]))
    labels = torch.zeros(len(images), dtype=torch.int64)
    found = attack(queries=100, start_tries=40)(adversity.target(constant), images, labels)
    assert found.queries.tolist() == [40] * len(images)
    assert torch.equal(found.images, images)
    assert not bool(found.success.any())


class Coarse(torch.nn.Module):
    """Fooled only by an image that is much brighter on one side: no fine noise is."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return two logits."""
        half = images.shape[-1] // 2
        gap = images[..., :half].mean((1, 2, 3)) - images[..., half:].mean((1, 2, 3))
        return torch.stack([torch.full_like(gap, 0.4), gap.abs()], 1)


def test_coarse_noise_finds_a_start_where_pixel_noise_finds_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A victim that only large shapes fool is fooled; the twin with pixel noise alone is lost."""
    images = torch.full((6, 3, 16, 16), 0.5)
    labels = torch.zeros(6, dtype=torch.int64)
    call = attack(queries=400)
    assert bool(call(adversity.target(Coarse()), images, labels).success.all())
    monkeypatch.setattr(starts, "noises", lambda shape: [(shape[-1], False), (shape[-1], True)])
    assert not bool(call(adversity.target(Coarse()), images, labels).success.any())


def normals(linear: Any, count: int, norm: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Guess the normal of a hyperplane at a point on it, once for each of 400 streams."""
    rng = np.random.default_rng(5)
    weights = torch.tensor(rng.normal(size=(1, 1, 4, 5)), dtype=torch.float32)
    point = torch.tensor(rng.uniform(0.3, 0.7, (1, 20)), dtype=torch.float32)
    victim = linear(weights, -float((point.double() * weights.double().flatten()).sum()))
    ids = [f"s{k}" for k in range(400)]
    images = point.view(1, 1, 4, 5).expand(400, -1, -1, -1).contiguous()
    asked = DecisionQueries(
        KitTarget(victim, ids, classes=2), images, torch.zeros(400, dtype=torch.int64),
        norm=norm, queries=count,
    )  # fmt: skip
    every = torch.arange(400)
    found = walk.normal_at(
        asked, images.flatten(1), every, adversity.SampleRng(seed=0, step="a", ids=ids),
        length=torch.full((400,), 1e-2, dtype=torch.float64), count=torch.full((400,), count),
    )  # fmt: skip
    return found, -weights.double().flatten()


@pytest.mark.parametrize("norm", ["l2", pytest.param("linf", marks=pytest.mark.slow)])
def test_the_guessed_normal_points_along_the_boundarys(linear: Any, norm: str) -> None:
    """Its mean over 400 guesses is parallel to the normal to 0.99; one guess of 60 is at 0.8.

    For directions uniform on the sphere, E[sign(w . u) u] is along w exactly, and the cosine of
    a guess from B probes in D values is about sqrt(2B / (2B + pi D)): 0.81 for B = 60, D = 20.
    """
    found, normal = normals(linear, 60, norm)
    unit = normal / normal.norm()
    mean = found.mean(0)
    assert float(mean @ unit / mean.norm()) > 0.99
    cosines = (found @ unit) / found.norm(dim=1)
    assert 0.76 < float(cosines.mean()) < 0.86


def test_probes_that_all_agree_still_point_somewhere(linear: Any) -> None:
    """With one probe the baseline would take everything away; the guess is not zero."""
    found, _ = normals(linear, 1, "l2")
    assert float(found.norm(dim=1).min()) > 0.5


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_halving_ends_on_the_boundary_as_near_as_asked(linear: Any, norm: str) -> None:
    """The way to a hyperplane is cut to 1/1000, from the side where the victim is wrong."""
    victim, images, _ = linear_crowd(linear, norm, 0.05)
    ids = [f"s{k}" for k in range(12)]
    labels = torch.zeros(12, dtype=torch.int64)
    asked = DecisionQueries(
        KitTarget(victim, ids, classes=2), images, labels, norm=norm, queries=500
    )
    starts.find_starts(asked, adversity.SampleRng(seed=1, step="a", ids=ids), tries=400)
    index = asked.failed()
    far = asked.sizes(asked.nearest[index], index)
    until = torch.full((len(index),), 1e-3, dtype=torch.float64)
    points = starts.to_boundary(asked, asked.nearest[index].clone(), index, until=until)
    margins = victim(points.view(-1, 1, 6, 6))[:, 0]
    assert len(index) > 6
    assert bool((margins < 0).all())
    slope = float(victim.weights.norm() if norm == "l2" else victim.weights.abs().sum())
    assert bool((-margins <= 1e-3 * far * slope * (1 + 1e-3)).all())


def test_the_watch_notices_a_budget_per_batch(
    monkeypatch: pytest.MonkeyPatch, network: Any, images: Any, labels: Any
) -> None:
    """The twin that takes the budget from a whole call at once asks too much, and is seen."""

    def careless(self: DecisionQueries, points: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        decided = self._target.rows(index).decisions(points.view(-1, *self.shape))
        self.left -= int(len(index) > len(self.left) // 2)
        hit = decided != self._labels[index]
        self._remember(points, index, hit)
        return hit

    monkeypatch.setattr(DecisionQueries, "wrong", careless)
    found = attack(queries=60)(adversity.target(network), images, labels)
    assert int(found.queries.max()) > 60


def test_a_twin_that_returns_its_last_point_is_caught(
    monkeypatch: pytest.MonkeyPatch, network: Any, images: Any, labels: Any
) -> None:
    """Forgetting the nearest failure for the newest makes distances grow, which shows."""
    kept = attack(queries=300)(adversity.target(network), images, labels)

    def forgetful(self: Any, points: torch.Tensor, index: torch.Tensor, hit: torch.Tensor) -> None:
        self.nearest[index[hit]] = points[hit]
        self.distance[index[hit]] = self.sizes(points[hit], index[hit])

    monkeypatch.setattr(DecisionQueries, "_remember", forgetful)
    last: Callable[..., Any] = attack(queries=300)
    assert bool((last(adversity.target(network), images, labels).norms > kept.norms).any())
