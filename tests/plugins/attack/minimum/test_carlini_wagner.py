"""Carlini and Wagner: Adam by rows, confidence, negative logits and what a descent costs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum import _carlini_wagner_search as search
from adversity_plugins.attack.minimum._adam import Adam
from adversity_plugins.attack.minimum.carlini_wagner import CarliniWagner

QUICK: dict[str, Any] = {"steps": 30, "search_steps": 3, "learning_rate": 0.05, "initial_c": 0.1}


def attack(**given: Any) -> AttackCall:
    """Return the attack, ready to call, without the registry."""
    return AttackCall(Ready(CarliniWagner(**{**QUICK, **given}), 'attack "carlini_wagner" (test)'))


def lead(net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return by how much the best other class leads the label, `[N]`."""
    with torch.no_grad():
        logits = net(images)
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return others - logits.gather(1, labels[:, None]).squeeze(1)


def test_adam_is_torch_s_own_row_by_row() -> None:
    """Thirty steps on random gradients: torch.optim.Adam's points, and rows may leave."""
    generator = torch.Generator().manual_seed(0)
    point = torch.randn(4, 7, generator=generator, dtype=torch.float64)
    theirs = point.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=0.03)
    ours, adam, left = point, Adam(point, 0.03), torch.arange(4)
    for step in range(30):
        gradient = torch.randn(4, 7, generator=generator, dtype=torch.float64)
        theirs.grad = gradient.clone()
        optimiser.step()
        ours = adam.step(ours, gradient[left])
        if step == 10:
            keep = torch.tensor([1, 3])
            left, ours = left[keep], ours[keep]
            adam.keep(keep)
    assert float((ours - theirs.detach()[left]).abs().max()) < 1e-12


@pytest.mark.parametrize("norm", ["l2", pytest.param("linf", marks=pytest.mark.slow)])
def test_confidence_is_kept_to_the_end(network: Any, images: Any, labels: Any, norm: str) -> None:
    """With confidence 2 the answer leads by 2 on what comes back, and only just; it costs way."""
    victim = adversity.target(network)
    near = attack(norm=norm)(victim, images, labels)
    sure = attack(norm=norm, confidence=2.0)(victim, images, labels)
    ahead = lead(network, sure.images, labels)
    assert bool(sure.success.all())
    # The network is asked in other blocks here: 1e-4 of logits of some tens.
    assert bool((ahead >= 2.0 - 1e-4).all())
    assert float(ahead.median()) < 2.01
    assert bool((sure.norms > near.norms).all())


def test_negative_logits_change_nothing(network: Any, images: Any, labels: Any) -> None:
    """All logits lowered by 1024: the same distances, to what float32 leaves of such logits."""

    class Lowered(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return network(given) - 1024.0

    near = attack()(adversity.target(network), images, labels)
    low = attack()(adversity.target(Lowered()), images, labels)
    assert bool(low.success.all())
    assert float((low.norms / near.norms).median()) == pytest.approx(1, abs=0.02)


def test_twin_with_a_zero_for_the_label_finds_nothing_below_zero(
    network: Any, images: Any, labels: Any, monkeypatch: Any
) -> None:
    """The known defect: the best other logit taken as max((1 - onehot) * z), which is 0 here."""

    def wrong_lead(logits: Any, labels: Any, *, loss: str, targeted: bool) -> Any:
        onehot = torch.nn.functional.one_hot(labels, logits.shape[1])
        other = ((1 - onehot) * logits).amax(1)
        return other - (onehot * logits).sum(1)

    def wrong_gradient(target: Any, given: Any, labels: Any, **rest: Any) -> Any:
        point = given.detach().requires_grad_()
        logits = target.logits(point)
        (gradient,) = torch.autograd.grad(wrong_lead(logits, labels, **rest).sum(), point)
        return logits.detach(), gradient

    class Lowered(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return network(given) - 1024.0

    victim = adversity.target(Lowered())
    sound = attack(tangents=0)(victim, images, labels)
    monkeypatch.setattr(search, "loss_of", wrong_lead)
    monkeypatch.setattr(search, "gradient_of", wrong_gradient)
    twin = attack(tangents=0)(victim, images, labels)
    found = twin.success
    worse = (~found) | (twin.norms > 1.02 * sound.norms)
    assert int(worse.sum()) > len(images) // 4


def test_a_descent_costs_its_steps_at_most(network: Any, images: Any, labels: Any) -> None:
    """Two descents of 25 steps: at most 50 gradients, and a sample that stalls pays less."""
    victim = adversity.target(network)
    result = attack(steps=25, search_steps=2, tangents=0)(victim, images, labels)
    assert int(result.gradients.max()) <= 50
    long = attack(steps=400, search_steps=1, tangents=0)(victim, images, labels)
    assert len(set(long.gradients.tolist())) > 1
    assert int(long.gradients.max()) <= 400


def test_samples_with_another_need_for_c_do_not_wait(
    network: Any, images: Any, labels: Any
) -> None:
    """From a weight of 1e-6 eight descents reach every answer: the weight rises tenfold."""
    result = attack(initial_c=1e-6, search_steps=9)(adversity.target(network), images, labels)
    assert bool(result.success.all())
