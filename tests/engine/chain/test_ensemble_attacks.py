"""Attacks on an ensemble, from Python: as strong as a search of all images of two pixels."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from toy_ensemble import Line

import adversity


@pytest.mark.parametrize("name", ["pgd", "square", "hop_skip_jump"])
def test_an_attack_on_one_member_is_the_attack_on_it(name: str) -> None:
    """Gradients, scores and decisions: the same images, verdicts and counts, to the bit."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.ReLU(), nn.Linear(8, 3))
    combine = adversity.create("uncertainty", "deep_ensemble")
    images = torch.rand(20, 3, 4, 4)
    labels = net(images).argmax(1)
    options: dict[str, Any] = {"eps": 0.1} | ({"queries": 60} if name != "pgd" else {"steps": 5})
    attack = adversity.create("attack", name, **options)
    alone = attack(adversity.target(net), images, labels)
    bundled = attack(adversity.target(adversity.target(net), combine), images, labels)
    assert alone.success.any()
    for part in ("images", "prediction", "success", "queries", "gradients", "norms"):
        assert torch.equal(getattr(alone, part), getattr(bundled, part)), part


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_two_lines_against_every_image_within_the_budget(norm: str) -> None:
    """On a grid of 401 x 401 images: the attack fools where one of them does, and no other.

    The mean of two sigmoids has several peaks, which is what the restarts are for.
    """
    lines = [Line([9.0, 2.0], -5.2), Line([-3.0, 8.0], -2.0)]
    victim = adversity.target(
        *(adversity.target(line) for line in lines),
        adversity.create("uncertainty", "deep_ensemble"),
    )
    eps = 0.12
    side = torch.linspace(0.05, 0.95, 8)
    images = torch.cartesian_prod(side, side).view(-1, 1, 1, 2)

    def share(points: torch.Tensor) -> torch.Tensor:
        return sum(line(points).double().softmax(1)[:, 0] for line in lines) / 2

    labels = (share(images) < 0.5).long()
    steps = torch.linspace(-eps, eps, 401)
    grid = torch.cartesian_prod(steps, steps)
    grid = grid[grid.norm(dim=1) <= eps] if norm == "l2" else grid
    worst = torch.empty(len(images), dtype=torch.float64)
    for row, (image, label) in enumerate(zip(images.view(-1, 2), labels, strict=True)):
        near = share((image + grid).clamp(0, 1)[:, None, None])
        worst[row] = near.max() if label else 1 - near.min()
    decided = (worst - 0.5).abs() > 2e-3  # what a grid step moves the mean by, at most
    effort = {"steps": 100, "restarts": 20} if norm == "linf" else {"steps": 40, "restarts": 3}
    attack = adversity.create("attack", "apgd", norm=norm, eps=eps, **effort)
    found = attack(victim, images, labels)
    assert torch.equal(found.success[decided], (worst > 0.5)[decided])
    assert 10 < int(found.success.sum()) < len(images) - 10


def test_from_python_victims_stand_before_what_combines_them() -> None:
    """Also of networks without names for their classes; each draws for itself."""
    torch.manual_seed(1)
    nets = [nn.Sequential(nn.Flatten(), nn.Linear(12, 3)) for _ in range(2)]
    combine = adversity.create("uncertainty", "deep_ensemble")
    noise = adversity.create("degradation", "gaussian_noise", sigma=0.2)
    images = torch.rand(9, 3, 2, 2)
    plain = adversity.target(*map(adversity.target, nets), combine)
    exact = sum(net(images).double().softmax(1) for net in nets) / 2
    for _ in range(2):  # once when nobody knows how many classes there are, and again
        answer = plain.bind(["s"] * 9).answer(images)
        assert torch.allclose(answer.values.double(), exact, atol=1e-7)
    twice = adversity.target(*(adversity.target(noise, nets[0]) for _ in range(2)), combine)
    steps = [link["step"] for link in twice.bind([str(k) for k in range(9)]).described]
    assert steps == [
        "link-2/0/link-0",
        "link-2/0/link-1",
        "link-2/1/link-0",
        "link-2/1/link-1",
        "link-2",
    ]
    modes = [net.training for net in nets]
    adversity.create("attack", "fgsm", eps=0.1)(plain, images, exact.argmax(1))
    assert [net.training for net in nets] == modes
    assert all(weight.requires_grad for net in nets for weight in net.parameters())


def test_a_mean_of_logits_is_attacked_as_the_one_network_that_it_is() -> None:
    """Linear members have the mean of their weights, whose attack finds as far failures.

    The mean of probabilities is no linear network: there, other images fool.
    """
    torch.manual_seed(2)
    nets = [nn.Sequential(nn.Flatten(), nn.Linear(48, 3)) for _ in range(3)]
    one = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    layers = [net[1] for net in nets]
    one[1].weight.data = torch.stack([layer.weight for layer in layers]).mean(0).detach()
    one[1].bias.data = torch.stack([layer.bias for layer in layers]).mean(0).detach()
    images = torch.rand(20, 3, 4, 4)
    labels = one(images).argmax(1)
    attack = adversity.create("attack", "pgd", norm="l2", eps=0.3, steps=10)
    alone = attack(adversity.target(one), images, labels)
    geometric = adversity.create("uncertainty", "deep_ensemble", space="logits")
    bundled = attack(adversity.target(*map(adversity.target, nets), geometric), images, labels)
    assert 0 < int(alone.success.sum()) < len(images)
    assert torch.equal(alone.success, bundled.success)
    assert torch.allclose(alone.images, bundled.images, atol=1e-5)
    mean = adversity.create("uncertainty", "deep_ensemble")
    other = attack(adversity.target(*map(adversity.target, nets), mean), images, labels)
    assert not torch.allclose(alone.images, other.images, atol=1e-3)


def test_the_toy_has_a_failure_that_no_member_has() -> None:
    """What `test_two_lines...` rests on: the mean is another victim than either line."""
    lines = [Line([9.0, 2.0], -5.2), Line([-3.0, 8.0], -2.0)]
    points = torch.tensor(list(itertools.product((0.1, 0.5, 0.9), repeat=2))).view(-1, 1, 1, 2)
    mean = sum(line(points).softmax(1) for line in lines).argmax(1)
    assert all(not torch.equal(line(points).argmax(1), mean) for line in lines)
