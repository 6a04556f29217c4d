"""A sampled answer as victim: the mean over draws by hand, fresh draws, networks as found."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from torch import nn

import adversity
from adversity import Attack, Combine, Predictive, Sampling
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.own_network import ready_network
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError
from adversity.seeding import SampleRng
from adversity.testing.bench.networks import found_state

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE = 0.4
HIDDEN = 6
IDS = [f"image {k}" for k in range(9)]
IMAGES = 0.1 + 0.8 * torch.rand((9, 1, 2, 2), generator=torch.Generator().manual_seed(0))


def small(slope: float = 3.0) -> nn.Sequential:
    """Six hidden units of four pixels, dropped with a rate of 0.4, and three classes."""
    draw = torch.Generator().manual_seed(7)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(4, HIDDEN), nn.Tanh(), nn.Dropout(RATE), nn.Linear(HIDDEN, 3)
    )
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw))
        net[1].weight.mul_(3)
        net[1].bias.copy_(-net[1].weight.sum(1) / 2)  # centred
        net[4].weight.mul_(slope)
        net[4].bias.zero_()
    return net.eval()


def method(**parameters: Any) -> Any:
    return adversity.create("uncertainty", "mc_dropout", **parameters)


def victim(net: nn.Module, *, seed: int = 3, ids: Sequence[str] = IDS, **parameters: Any) -> Any:
    """Return the target of a network behind whose classifier stands dropout."""
    return adversity.target(net, method(**parameters)).bind(ids, seed=seed)


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


def gradient_of(answer: Any, images: torch.Tensor) -> torch.Tensor:
    """Differentiate the cross-entropy of class 1."""
    point = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(-answer(point).log_softmax(1)[:, 1].sum(), point)
    return found


def test_value_and_gradient_are_those_of_the_mean_over_the_same_masks() -> None:
    """Of the first query and of the second, whose masks are new; off by float32's rounding."""
    net = small()
    target = victim(net, draws=5)
    for query in (1, 2):
        masks = masks_of(query, 5)
        point = IMAGES.clone().requires_grad_()
        answer = target.logits(point)
        assert torch.allclose(answer.double(), with_masks(net, IMAGES, masks).log(), atol=1e-6)
        (found,) = torch.autograd.grad(-answer.log_softmax(1)[:, 1].sum(), point)
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


class Fails(Attack):
    """An attack that asks once, and then breaks."""

    name: ClassVar[str] = "fails"
    access: ClassVar[Any] = "gradients"
    norm: str = "linf"
    eps: float = 0.1

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        gradient_of(target.logits, images)
        raise ValueError("meant")


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_as_found(make_ready: Any, fails: bool) -> None:
    """Modes, hooks, buffers, gradients and what learns; also where the attack raises."""
    net = nn.Sequential(small(), nn.BatchNorm1d(3))
    net.train()
    net[0][2].eval()
    net[0][4].register_forward_hook(lambda *_: None)
    before = found_state(net)
    attack = adversity.create("attack", "pgd", eps=0.1, steps=2)
    if fails:
        attack = type(attack)(make_ready(Fails()))
        with pytest.raises(PluginError, match="meant"):
            attack(adversity.target(net, method(draws=2)), IMAGES, [0] * 3 + [1] * 3 + [2] * 3)
    else:
        attack(adversity.target(net, method(draws=2)), IMAGES, [0] * 9)
    assert found_state(net) == before


class Shaken(Sampling):
    """Answers under noise, whose gradient nobody promises."""

    name: ClassVar[str] = "shaken"
    stochastic: ClassVar[bool] = True
    hooked: bool = False

    def estimate(self, models: Any, images: Any, rng: Any) -> Predictive:
        if self.hooked:
            models[0].networks()[0].register_forward_hook(lambda *_: None)
        noise = 0.05 * rng.normal(tuple(images.shape[1:]))
        return Predictive(members=torch.stack([models[0](images + noise).double().softmax(1)]))


def drawn_by(plugin: Sampling) -> ChainTarget:
    shaken = Ready(plugin, 'uncertainty "shaken"')
    net = small().requires_grad_(requires_grad=False)  # as victims are
    return ChainTarget([Link("net", ready_network(net)), Link("drops", shaken)], ids=IDS)


def test_a_method_without_a_gradient_is_attacked_by_what_needs_none() -> None:
    """And refused by name to all others."""
    target = drawn_by(Shaken())
    with pytest.raises(InputError, match=r'drops, uncertainty "shaken": it is not differentiable'):
        target.logits(IMAGES.clone().requires_grad_())
    assert target.logits(IMAGES).shape == (9, 3)
    assert target.decisions(IMAGES).shape == (9,)
    assert target.structure() is None


def test_a_method_that_claims_a_gradient_must_give_one_and_put_back_what_it_changes() -> None:
    """Whoever breaks the promise is named, not the attack that only asks."""

    class Cut(Shaken):
        """Says that it is differentiable."""

        differentiable: ClassVar[bool] = True

        def estimate(self, models: Any, images: Any, rng: Any) -> Predictive:
            return super().estimate(models, images.detach(), rng)

    with pytest.raises(PluginError, match=r'uncertainty "shaken".*can be differentiated'):
        drawn_by(Cut()).logits(IMAGES.clone().requires_grad_())
    with pytest.raises(PluginError, match="as they were found, it left other hooks"):
        drawn_by(Shaken(hooked=True)).logits(IMAGES)


class Mean(Combine):
    """The mean, by hand."""

    name: ClassVar[str] = "mean"
    differentiable: ClassVar[bool] = True

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return members.sum(0) / len(members)


def test_members_of_an_ensemble_may_be_sampled(make_ready: Any) -> None:
    """Each draws by its own step; judged as the mean of what their steps give."""
    dropout = method(draws=3).ready
    members = [
        (Link(f"net{k}", ready_network(small(k))), Link(f"drops{k}", dropout)) for k in (1, 2)
    ]
    target = ChainTarget([Bundle("mean", make_ready(Mean()), tuple(members))], ids=IDS)
    each = [ChainTarget(member, ids=IDS) for member in members]
    expected = sum(one.answer(IMAGES).values.double() for one in each) / 2
    assert torch.equal(target.answer(IMAGES).values, expected.float())
    asked = sum(one.logits(IMAGES).double().exp() for one in each) / 2
    assert torch.allclose(target.logits(IMAGES).double().exp(), asked, atol=1e-6)
    assert target.draws == 1
    assert bool((gradient_of(target.logits, IMAGES).abs().sum((1, 2, 3)) > 0).all())


def test_what_stands_in_a_wrong_place_is_refused(make_ready: Any) -> None:
    """Twice, in front of the classifier, behind an ensemble, or of one that gives labels only."""
    net, dropout = Link("net", ready_network(small())), Link("drops", method().ready)
    bundle = Bundle("mean", make_ready(Mean()), ((net,), (net,)))
    for links in ([net, dropout, dropout], [dropout, net], [bundle, dropout]):
        with pytest.raises(InputError, match="asks a classifier itself: expected it once, right"):
            ChainTarget(links, ids=IDS)
    with pytest.raises(InputError, match="exactly one classifier, got 0"):
        ChainTarget([dropout], ids=IDS)
