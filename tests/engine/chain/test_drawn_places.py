"""What is sampled as victim: networks as found, no gradient, ensembles, wrong places."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from toy_dropout import IDS, IMAGES, method, small
from toy_ensemble import Mean, gradient_of

import adversity
from adversity import Attack, Predictive, Sampling
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.own_network import ready_network
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError
from adversity.testing.bench.networks import found_state


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
