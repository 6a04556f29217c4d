"""A sampled answer as victim: the mean over draws by hand, fresh draws, the worst case."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from toy_dropout import HIDDEN, IDS, IMAGES, RATE, method, small, victim
from toy_ensemble import gradient_of

import adversity
from adversity.engine.chain.links import Link
from adversity.engine.chain.own_network import ready_network
from adversity.engine.chain.target import ChainTarget
from adversity.seeding import SampleRng


def with_masks(net: Any, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the mean of softmax `[N, K]` float64 of masks `[M, N, hidden]`, written out."""
    hidden = net[2](net[1](images.flatten(1)))
    answers = [net[4](hidden * mask / (1 - RATE)).double().softmax(1) for mask in masks]
    return torch.stack(answers).mean(0)


def masks_of(query: int, draws: int) -> torch.Tensor:
    """Return the masks of an attack's query, `[M, N, hidden]`: by image, query and draw."""
    streams = SampleRng(seed=3, step="mc_dropout", ids=[f"{name} (query {query})" for name in IDS])
    drawn = [streams.child(("attack", 0)).child((0, draw)) for draw in range(draws)]
    return torch.stack([(rng.uniform((HIDDEN,)) >= RATE).float() for rng in drawn])


def test_value_and_gradient_are_those_of_the_mean_over_the_same_masks() -> None:
    """Of the first query and of the second, whose masks are new; off by float32's rounding."""
    net = small()
    target = victim(net, draws=5)
    for query in (1, 2):
        masks = masks_of(query, 5)
        point = IMAGES.clone().requires_grad_()
        answer = target.logits(point)
        assert torch.allclose(answer.double(), with_masks(net, IMAGES, masks).log(), atol=1e-6)
        (found,) = torch.autograd.grad(-answer.log_softmax(1)[:, 2].sum(), point)
        exact = gradient_of(lambda at, drawn=masks: with_masks(net, at, drawn).log(), IMAGES)
        assert float((found - exact).abs().max() / exact.abs().max()) < 1e-5
    assert not torch.equal(masks_of(1, 5), masks_of(2, 5))


def test_over_many_queries_it_is_the_expectation_over_all_masks() -> None:
    """All 64 masks with their probabilities, enumerated: value of p and its gradient.

    A query's mean over 10 draws has a standard deviation that 64 queries show; their mean is off
    by an 8th of it. Five of these for the worst of 27 probabilities and 36 gradients.
    """
    net = small()
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=HIDDEN)))
    weight = torch.tensor([(1 - RATE) ** int(m.sum()) * RATE ** int((1 - m).sum()) for m in every])

    def expected(images: torch.Tensor) -> torch.Tensor:
        hidden = net[2](net[1](images.flatten(1)))
        each = [net[4](hidden * mask / (1 - RATE)).double().softmax(1) for mask in every]
        return (torch.stack(each) * weight[:, None, None].double()).sum(0)

    target = victim(net, draws=10)
    values, gradients = [], []
    for _ in range(64):
        point = IMAGES.clone().requires_grad_()
        probs = target.logits(point).double().exp()
        values.append(probs.detach())
        gradients.append(torch.autograd.grad(probs[:, 1].sum(), point)[0])
    point = IMAGES.clone().requires_grad_()
    exact = expected(point)
    slope = torch.autograd.grad(exact[:, 1].sum(), point)[0]
    for drawn, truth in ((values, exact.detach()), (gradients, slope)):
        seen = torch.stack(drawn).double()
        gap = (seen.mean(0) - truth).abs() / (seen.std(0) / math.sqrt(64))
        assert float(gap.max()) < 5
        assert float(seen.std(0).min()) > 0


def test_the_judge_s_answer_is_the_method_s_own_to_the_bit() -> None:
    """Also from Python, for the same seed and ids; before the attack and after it."""
    net, dropout = small(), method(draws=7)
    sampled = adversity.target(net, dropout)
    before = dropout(net, IMAGES, ids=IDS, seed=3).probs
    assert torch.equal(sampled.bind(IDS, seed=3).answer(IMAGES).values, before)
    attack = adversity.create("attack", "pgd", eps=0.1, steps=5)
    result = attack(sampled, IMAGES, before.argmax(1), ids=IDS, seed=3)
    after = dropout(net, result.images, ids=IDS, seed=3).probs.argmax(1)
    assert torch.equal(result.prediction, after)
    assert torch.equal(result.success, after != before.argmax(1))
    assert 0 < int(result.success.sum()) < len(IDS)
    assert set(result.queries.tolist()) == set(result.gradients.tolist()) == {5}


@pytest.mark.parametrize("draws", [1, 3, 8])
def test_a_rate_of_zero_is_the_plain_network_s_attack_to_the_bit(draws: int) -> None:
    """Of attacks that go by signs and decisions; in l2 steps round apart in the last bits."""
    net = small()
    plain, sampled = adversity.target(net), adversity.target(net, method(draws=draws, p=0))
    labels = plain.bind(IDS).answer(IMAGES).predicted
    for name, more, exact in (
        ("pgd", {"steps": 6}, True),
        ("hop_skip_jump", {"norm": "linf", "queries": 60}, True),
        ("pgd", {"norm": "l2", "steps": 6}, False),
    ):
        attack = adversity.create("attack", name, eps=0.15, **more)
        one, two = (attack(each, IMAGES, labels, ids=IDS) for each in (plain, sampled))
        assert torch.allclose(one.images, two.images, atol=0 if exact else 1e-5), name
        assert torch.equal(one.success, two.success)
        assert torch.equal(one.queries, two.queries)
        assert bool(one.success.any())


def test_draws_are_those_of_the_image_and_its_query_alone() -> None:
    """New for each query of an image, whatever its neighbours are, or when they leave."""
    net = small()
    whole = victim(net, draws=3)
    first, second = whole.logits(IMAGES), whole.logits(IMAGES)
    assert bool((first != second).any(1).all())
    part = victim(net, draws=3).rows([4, 1, 7])
    assert torch.equal(part.logits(IMAGES[[4, 1, 7]]), first[[4, 1, 7]])
    assert torch.equal(part.rows([1]).logits(IMAGES[[1]]), second[[1]])
    # The judge's draws are its own, and the same each time.
    assert torch.equal(whole.answer(IMAGES).values, whole.answer(IMAGES).values)
    assert torch.equal(
        part.answer(IMAGES[[4, 1, 7]]).values, whole.answer(IMAGES).values[[4, 1, 7]]
    )


def test_a_query_is_one_however_many_draws_it_has() -> None:
    """And no further average is taken, unless something in front of the network draws as well."""
    net = small()
    target = victim(net, draws=4)
    gradient_of(target.logits, IMAGES)
    target.granted("decisions").decisions(IMAGES)
    assert set(target.counts.queries[:-1].tolist()) == {2}
    assert set(target.counts.gradients[:-1].tolist()) == {1}
    assert target.draws == 1
    shown = [link["gradient"] for link in target.described]
    assert shown == ["exact", "exact, through all 4 of its draws, which are new for each query"]


def test_noise_in_front_is_averaged_over_as_ever(plugins: Any) -> None:
    """Eight draws of the noise, each with draws of the network of its own."""
    net, dropout = ready_network(small()), method(draws=2).ready
    links = [Link("noise", plugins["shift"]), Link("net", net), Link("drops", dropout)]
    target = ChainTarget(links, ids=IDS[:2])
    assert target.draws == 8
    assert target.described[0]["gradient"].endswith("with EOT")
    images = IMAGES[:2]
    expected = [
        ChainTarget(links, ids=IDS[:2], draws=count).logits(images).double().exp()
        for count in (1, 2)
    ]
    assert not torch.equal(*expected)


def test_a_toy_s_worst_case_by_exhaustive_search() -> None:
    """Four pixels, every image on a grid of the ball judged with the same draws.

    What the attack turned, some image of the ball turns; and of those that a tenth of the grid
    turns, it turns all: the judge's draws are not the attacker's, so a corner may escape it.
    """
    net = small()
    images = IMAGES
    sampled = adversity.target(net, method(draws=20))
    labels = sampled.bind(IDS, seed=3).answer(images).predicted
    attack = adversity.create("attack", "pgd", eps=0.12, steps=10)
    found = attack(sampled, images, labels, ids=IDS, seed=3)
    shifts = torch.tensor(list(itertools.product((-0.12, 0.0, 0.12), repeat=4)))
    moved = (images + shifts.reshape(81, 1, 1, 2, 2)).clamp(0, 1)
    judge = sampled.bind(IDS * 81, seed=3)  # an id draws the same wherever it stands
    turned = judge.answer(moved.flatten(0, 1)).predicted.reshape(81, 9) != labels
    share = turned.double().mean(0)
    assert bool((share[found.success] > 0).all())
    assert bool(found.success[share >= 0.1].all())
    assert bool((share >= 0.1).any())
    assert bool((~found.success).any())


def test_where_draws_are_sure_the_gradient_still_leads_somewhere() -> None:
    """Probabilities that are 0 in float64 in every draw pass the gradient of the mean log p."""
    target = victim(small(slope=1e4), draws=3)
    answer = target.logits(IMAGES.clone().requires_grad_())
    assert bool(answer.isfinite().all())
    assert float(answer.detach().min()) < -700
    point = IMAGES.clone().requires_grad_()
    answer = target.logits(point)
    (found,) = torch.autograd.grad((answer[:, 0] - answer[:, 1]).sum(), point)
    assert bool(found.isfinite().all())
    assert bool((found.flatten(1).abs().amax(1) > 0).all())
