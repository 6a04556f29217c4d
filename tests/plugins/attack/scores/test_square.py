"""Square: exact budgets and counts, a known optimum, a masked victim, its own random streams."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack._shared.norms import Ball
from adversity_plugins.attack.gradient.pgd import PGD
from adversity_plugins.attack.scores import _square_search as search
from adversity_plugins.attack.scores.square import Square

NORMS = ("linf", "l2", "l1")
FIRST = ("linf", *(pytest.param(norm, marks=pytest.mark.slow) for norm in ("l2", "l1")))
"""For what is no matter of the norm: one of them with the fast tests, the others with the slow."""
SMALL = {"linf": 0.01, "l2": 0.15, "l1": 1.0}
"""An eps at which a part of the samples falls within two hundred queries."""


def ready(plugin: type[Any] = Square, /, **parameters: Any) -> AttackCall:
    """Make an attack ready without the registry."""
    return AttackCall(Ready(plugin(**parameters), f'attack "{plugin.name}" (test)'))


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(1e-4, 1), height=st.integers(1, 7))
@settings(max_examples=12, deadline=None)
def test_budget_and_box_hold_exactly(norm: str, seed: int, share: float, height: int) -> None:
    """In float64, on the float32 images, for images of any shape: |delta| <= eps."""
    # At most the whole space of the images: more is refused.
    eps = share * {"linf": 1.0, "l2": (15 * height) ** 0.5, "l1": 15.0 * height}[norm]
    rng = np.random.default_rng(seed)
    images = torch.tensor(rng.uniform(-0.2, 1.2, (3, 3, height, 5)).clip(0, 1)).float()
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(15 * height, 2))
    with torch.no_grad():
        net[1].weight.copy_(torch.from_numpy(rng.normal(size=(2, 15 * height))))
        net[1].bias.copy_(torch.tensor([100.0, 0.0]))
    labels = torch.zeros(3, dtype=torch.int64)
    found = ready(norm=norm, eps=eps, queries=15)(adversity.target(net), images, labels, seed=seed)
    assert float(distances(found.images, images, norm).max()) <= eps
    assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1
    assert bool((found.norms > 0.1 * eps).any()) or share > 0.2


@pytest.mark.parametrize("norm", FIRST)
def test_queries_are_exact(network: Any, images: Any, labels: Any, norm: str) -> None:
    """A sample that holds costs all its queries, one that is fooled what it took; no gradient."""
    victim = adversity.target(network)
    holds = ready(norm=norm, eps=1e-6, queries=37)(victim, images, labels)
    assert holds.queries.tolist() == [37] * len(images)
    twice = ready(norm=norm, eps=1e-6, queries=37, restarts=2)(victim, images, labels)
    assert twice.queries.tolist() == [74] * len(images)
    mixed = ready(norm=norm, eps=2 * SMALL[norm], queries=60)(victim, images, labels)
    assert 0 < int(mixed.success.sum()) < len(images)
    assert mixed.queries[~mixed.success].tolist() == [60] * int((~mixed.success).sum())
    assert bool((mixed.queries[mixed.success] < 60).any())
    assert int(mixed.gradients.sum() + holds.gradients.sum()) == 0


@pytest.mark.parametrize("norm", FIRST)
def test_a_sample_that_holds_comes_back_worse(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """What fails is not the clean image: its margin fell, as far as it was ever seen to fall."""
    victim = adversity.target(network)
    found = ready(norm=norm, eps=SMALL[norm] / 4, queries=100)(victim, images, labels)
    held = ~found.success

    def margin(points: torch.Tensor) -> torch.Tensor:
        logits = network(points).detach()
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        return others - logits.gather(1, labels[:, None])[:, 0]

    assert int(held.sum()) > len(images) // 2
    assert bool((margin(found.images) > margin(images))[held].all())


def test_linf_reaches_the_optimum_of_a_linear_victim(linear: Any, best_drop: Any) -> None:
    """Every value of a grey 5 x 5 image ends at its best bound: the drop is the closed form's."""
    rng = np.random.default_rng(0)
    weights = torch.tensor(rng.normal(size=(1, 1, 5, 5)), dtype=torch.float32)
    image = torch.tensor(rng.uniform(-0.2, 1.2, (1, 1, 5, 5)).clip(0, 1), dtype=torch.float32)
    found = ready(eps=0.2, queries=1500)(
        adversity.target(linear(weights, bias=300.0)), image, torch.zeros(1, dtype=torch.int64)
    )
    drop = float(((image.double() - found.images.double()) * weights.double()).sum())
    assert drop == pytest.approx(best_drop(weights, image, 0.2, "linf"), rel=1e-6)


@pytest.mark.parametrize(
    ("norm", "queries", "share"),
    [
        ("l2", 150, 0.65),
        ("l1", 150, 0.45),
        pytest.param("l2", 1500, 0.85, marks=pytest.mark.slow),
        pytest.param("l1", 1500, 0.5, marks=pytest.mark.slow),
    ],
)
def test_l2_and_l1_come_near_the_optimum(
    linear: Any, best_drop: Any, norm: str, queries: int, share: float
) -> None:
    """A smooth linear victim on 9 x 9 images loses most of what it can lose.

    Bumps are wide: in l1 the one best value cannot be had alone, so less is asked there. Without
    a search, after five queries, no more than 0.07 of it is lost.
    """
    axis = torch.linspace(-2, 2, 9)
    weights = torch.exp(-(axis[:, None] ** 2) - axis[None] ** 2)[None, None]
    image = torch.full((1, 1, 9, 9), 0.6)
    eps = {"l2": 1.0, "l1": 3.0}[norm]
    found = ready(norm=norm, eps=eps, queries=queries)(
        adversity.target(linear(weights, bias=300.0)), image, torch.zeros(1, dtype=torch.int64)
    )
    drop = float(((image - found.images) * weights).sum())
    assert share <= drop / best_drop(weights, image, eps, norm) <= 1 + 1e-6


class Rounded(torch.nn.Module):
    """A victim that rounds its input to 8 bits inside: its gradient is zero everywhere."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner((images * 255).round() / 255)


@pytest.mark.parametrize("norm", FIRST)
def test_it_beats_pgd_where_the_gradient_is_masked(network: Any, images: Any, norm: str) -> None:
    """Behind 8-bit rounding PGD with a fixed start fools nobody; Square does."""
    victim = adversity.target(Rounded(network))
    labels = victim.bind([str(i) for i in range(len(images))]).answer(images).predicted
    eps = 3 * SMALL[norm]
    pgd = ready(PGD, norm=norm, eps=eps, steps=20, random_start=False)(victim, images, labels)
    found = ready(norm=norm, eps=eps, queries=300)(victim, images, labels)
    assert int(pgd.success.sum()) == 0
    assert pgd.flags["never_moved"] == 1
    assert int(found.success.sum()) >= len(images) // 3


def moved_by_company(plugin: type[Any], network: Any, images: Any, labels: Any, norm: str) -> int:
    """Return how many samples come out otherwise alone, in another order, or beside a twin."""
    victim = adversity.target(network)
    ids = [f"s{i}" for i in range(len(images))]

    def run(index: list[int]) -> Any:
        attack = ready(plugin, norm=norm, eps=2 * SMALL[norm], queries=30, restarts=2)
        names = [ids[i] for i in index]
        return attack(victim, images[index], labels[index], ids=names, seed=5)

    all_of_them, count = run(list(range(len(images)))), 0
    assert 0 < int(all_of_them.success.sum()) < len(images)  # some leave early, some stay
    whole = all_of_them.images
    for index in ([3], list(range(23, -1, -1)), [1, 3, 5, 7, 9]):
        count += int((run(index).images != whole[index]).flatten(1).any(1).sum())
    return count


@pytest.mark.parametrize("norm", FIRST)
def test_a_sample_is_the_same_in_any_company(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Batch size and order do not move a bit, though fooled neighbours leave."""
    assert moved_by_company(Square, network, images, labels, norm) == 0


class SharedSquares(Square):
    """A twin that takes one place for the whole batch, as many implementations do."""

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        """Give every row the first row's stream."""
        return super().perturb(target, images, labels, rng.fresh([rng.ids[0]] * len(rng)))


def test_the_twin_with_shared_squares_is_caught(network: Any, images: Any, labels: Any) -> None:
    """With squares that depend on the batch, samples differ from themselves alone."""
    assert moved_by_company(SharedSquares, network, images, labels, "linf") > 0


@pytest.mark.parametrize("norm", FIRST)
def test_more_restarts_never_lose_a_success(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """The first search is the same; what it fooled leaves with its image."""
    victim = adversity.target(network)
    one = ready(norm=norm, eps=SMALL[norm], queries=60)(victim, images, labels)
    three = ready(norm=norm, eps=SMALL[norm], queries=60, restarts=3)(victim, images, labels)
    assert torch.equal(one.images[one.success], three.images[one.success])
    assert bool((three.success | ~one.success).all())
    assert not torch.equal(one.images, three.images)


@pytest.mark.parametrize("norm", FIRST)
def test_targeted_reaches_the_wish(network: Any, images: Any, labels: Any, norm: str) -> None:
    """With room enough most samples become the class that is asked for."""
    found = ready(norm=norm, eps=20 * SMALL[norm], queries=200, targeted=True)(
        adversity.target(network), images, labels
    )
    assert bool((found.prediction[found.success] == (labels + 1)[found.success] % 10).all())
    assert int(found.success.sum()) > len(images) // 2


def test_shares_follow_the_published_schedule() -> None:
    """Of 10 000 queries the share is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000."""
    steps = (0, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)
    assert [search.share_of(q, 10_000, 0.8) for q in steps] == [0.8 / 2**k for k in range(10)]
    assert [search.share_of(q - 1, 10_000, 0.8) for q in steps[1:]] == [
        0.8 / 2**k for k in range(9)
    ]


def test_a_square_changes_its_window_and_never_nothing() -> None:
    """The window goes to the bounds, one sign a colour; every place comes up, edges included."""
    generator = torch.Generator().manual_seed(0)
    ball = Ball(torch.rand(400, 1, 4, 5, generator=generator), "linf", 0.1)
    point = torch.where(torch.rand(400, 1, 1, 1, generator=generator) < 0.5, ball.low, ball.high)
    tried = search._square(ball, point, torch.rand(400, 3, generator=generator), 3)
    changed = (tried != point)[:, 0]
    assert bool((changed.flatten(1).sum(1) == 9).all())
    assert bool(((tried == ball.low) | (tried == ball.high)).all())
    corners = {tuple(row.nonzero()[0].tolist()) for row in changed}
    assert corners == set(itertools.product(range(2), range(3)))


@pytest.mark.parametrize(("side", "power"), [(1, 2), (3, 2), (5, 2), (8, 4), (13, 4)])
def test_a_bump_is_the_sum_of_the_paper(side: int, power: int) -> None:
    """Two halves, each the sum over centred boxes of 1 / (k + 1)^power, one of them negative."""
    upper, rows = side // 2, []
    for height, sign in ((upper, 1.0), (side - upper, -1.0)):
        half = np.zeros((height, side))
        for k in range(max(height // 2, side // 2) + 1 if height else 0):
            top, left = max(height // 2 - k, 0), max(side // 2 - k, 0)
            half[top : height // 2 + k + 1, left : side // 2 + k + 1] += 1 / (k + 1) ** power
        size = np.linalg.norm(half) if power == 2 else half.sum()
        rows.append(sign * half / max(size, 1e-300))
    expected = np.concatenate(rows)
    expected /= np.linalg.norm(expected) if power == 2 else np.abs(expected).sum()
    assert np.abs(search._bump_of(side, power).numpy() - expected).max() < 1e-14
