"""PGD against a plain loop, FGSM bit for bit, budgets, restarts and early stop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import adversity
from adversity.contracts.threat import distances

EPS = 8 / 255


def loop(
    net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, *, steps: int, size: float
) -> torch.Tensor:
    """Write linf PGD as a reader of the paper would, in one batch."""
    point = images.clone()
    for _ in range(steps):
        point = point.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(net(point), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, point)
        point = point.detach() + size * gradient.sign()
        point = images + (point - images).clamp(-EPS, EPS)
        point = point.clamp(0, 1)
    return point


def test_same_images_as_a_reference_loop(network: Any, images: Any, labels: Any) -> None:
    """Twenty steps give the loop's images to 1e-6.

    The loop rounds `images + delta` where we round the bounds: at most 6e-8 apart. A sign
    flip of a tiny gradient would show as a whole step (3e-3); flips are counted and none is
    allowed on this network.
    """
    attack = adversity.create(
        "attack", "pgd", eps=EPS, steps=20, step_size=EPS / 8, random_start=False
    )
    found = attack(adversity.target(network), images, labels).images
    expected = loop(network, images, labels, steps=20, size=EPS / 8)
    apart = (found - expected).abs()
    flipped = int((apart > 1e-6).sum())
    assert flipped == 0
    assert float((found - images).abs().max()) > 0.9 * EPS


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_one_step_of_pgd_is_fgsm_bit_for_bit(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """steps = 1, step_size = eps and no random start are FGSM exactly, and do move."""
    eps = {"linf": EPS, "l2": 0.5, "l1": 5.0}[norm]
    victim = adversity.target(network)
    one = adversity.create(
        "attack", "pgd", norm=norm, eps=eps, steps=1, step_size=eps, random_start=False
    )(victim, images, labels)
    fgsm = adversity.create("attack", "fgsm", norm=norm, eps=eps)(victim, images, labels)
    assert torch.equal(one.images, fgsm.images)
    assert bool((one.norms > 0.5 * eps).all())


def test_exactly_as_many_gradients_as_steps(network: Any, images: Any, labels: Any) -> None:
    """k steps cost k gradients a sample, and with r restarts r * k."""
    victim = adversity.target(network)
    make = adversity.create
    plain = make("attack", "pgd", eps=1e-6, steps=7)(victim, images, labels)
    assert plain.gradients.tolist() == [7] * len(images)
    again = make("attack", "pgd", eps=1e-6, steps=7, restarts=3)(victim, images, labels)
    assert again.gradients.tolist() == [21] * len(images)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("name", ["fgsm", "pgd", "random_noise"])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_stored_images_keep_budget_and_box(name: str, norm: str, data: st.DataObject) -> None:
    """In float64, on the float32 images: |delta| <= eps exactly and every value in [0, 1]."""
    eps = data.draw(st.floats(1e-4, {"linf": 1.0, "l2": 5.0, "l1": 25.0}[norm]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    images = torch.tensor(rng.uniform(-0.2, 1.2, (3, 1, 5, 5)).clip(0, 1), dtype=torch.float32)
    weights = torch.tensor(rng.normal(size=(2, 25)), dtype=torch.float32)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(25, 2))
    with torch.no_grad():
        net[1].weight.copy_(weights)
        net[1].bias.zero_()
    labels = net(images).argmax(1)
    result = adversity.create("attack", name, norm=norm, eps=eps)(
        adversity.target(net), images, labels, seed=seed
    )
    assert float(distances(result.images, images, norm).max()) <= eps
    assert 0 <= float(result.images.min()) <= float(result.images.max()) <= 1


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_more_restarts_never_lose_a_success(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Each sample keeps its best restart: success with 4 restarts includes that with 1."""
    eps = {"linf": 0.02, "l2": 0.25, "l1": 2.0}[norm]
    victim = adversity.target(network)
    make = adversity.create
    one = make("attack", "pgd", norm=norm, eps=eps, steps=3)(victim, images, labels)
    four = make("attack", "pgd", norm=norm, eps=eps, steps=3, restarts=4)(victim, images, labels)
    assert bool((four.success | ~one.success).all())
    assert not torch.equal(one.images, four.images)


def test_early_stop_keeps_every_success_for_fewer_gradients(
    network: Any, images: Any, labels: Any
) -> None:
    """Solved samples leave: no success is lost and fewer gradients are used."""
    victim = adversity.target(network)
    make = adversity.create
    plain = make("attack", "pgd", eps=EPS, steps=20)(victim, images, labels)
    early = make("attack", "pgd", eps=EPS, steps=20, early_stop=True)(victim, images, labels)
    assert bool((early.success | ~plain.success).all())
    assert int(early.gradients.sum()) < int(plain.gradients.sum())


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_attack_beats_random_noise(network: Any, images: Any, labels: Any, name: str) -> None:
    """At an eps where the network falls, the attack fools more than the control does."""
    victim = adversity.target(network)
    noise = adversity.create("attack", "random_noise", eps=EPS)(victim, images, labels)
    attacked = adversity.create("attack", name, eps=EPS)(victim, images, labels)
    assert int(attacked.success.sum()) > int(noise.success.sum())


def test_margin_loss_keeps_its_gradient_under_large_offsets(network: Any) -> None:
    """Cross-entropy and margin survive a logit offset of 1e4 in float32 without NaN."""
    from adversity_plugins.attack._shared.losses import loss_of

    logits = torch.tensor([[1e4, 1e4 + 1.0, 0.0]], requires_grad=True)
    for loss in ("ce", "margin"):
        (gradient,) = torch.autograd.grad(
            loss_of(logits, torch.tensor([1]), loss=loss, targeted=False).sum(), logits
        )
        assert bool(gradient.isfinite().all())
        assert float(gradient.abs().sum()) > 0.1


@pytest.mark.peers
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_same_images_as_torchattacks(network: Any, images: Any, labels: Any, norm: str) -> None:
    """torchattacks' PGD at equal settings, no random start: within 1e-6 away from the box."""
    torchattacks = pytest.importorskip("torchattacks")
    inside = 0.25 + 0.5 * images
    truth = network(inside).argmax(1)
    eps, size = (EPS, EPS / 8) if norm == "linf" else (0.5, 0.1)
    peer = torchattacks.PGD if norm == "linf" else torchattacks.PGDL2
    expected = peer(network, eps=eps, alpha=size, steps=10, random_start=False)(inside, truth)
    attack = adversity.create(
        "attack", "pgd", norm=norm, eps=eps, steps=10, step_size=size, random_start=False
    )
    found = attack(adversity.target(network), inside, truth).images
    assert float((found - expected).abs().max()) < 1e-6
