"""Attacks on an accept decision: the linear alarm's worst case, who is attacked, what counts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from toy_alarm import DUAL, LIMIT
from toy_line import IDS, WEIGHTS, images_with, victim

import adversity


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("objective", ["look_sure", "look_unsure"])
def test_the_linear_alarm_falls_exactly_within_its_closed_form(norm: str, objective: str) -> None:
    """Within eps a score w x moves by eps times the dual norm of w, and no further.

    The images lie so that no wall of the box is in reach. Within a hundredth of the border float32
    may decide either way: none lies there.
    """
    eps = 0.06
    reach = eps * DUAL[norm]
    step = torch.linspace(-0.99, 0.99, 99)  # of 1.5 times the reach, none at 1
    side = 1 if objective == "look_sure" else -1  # of the limit: rejected, or accepted
    scores = LIMIT + side * reach * (0.75 + 0.75 * step)
    images = images_with(scores)
    label = 1 if objective == "look_sure" else 0  # the answer is always class 0
    attack = adversity.create("attack", "pgd", norm=norm, eps=eps, steps=40, step_size=eps / 4)
    found = attack(victim(objective), images, [label] * 99, ids=IDS[:99])
    distance = (scores - LIMIT).abs()
    sure = (distance - reach).abs() > 0.01 * reach
    assert torch.equal(found.success[sure], (distance < reach)[sure])
    assert 20 < int(found.success.sum()) < 80
    moved = ((found.images.flatten(1) - 0.5) @ WEIGHTS - scores).abs()
    # As far as it may go, up to rounding: the attack does not stop at the limit.
    assert float((moved / reach).max()) <= 1 + 1e-4
    assert float((moved / reach).min()) > 0.97


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("fgsm", {}),
        ("apgd", {"steps": 20}),
        ("auto_attack", {}),
        ("square", {"queries": 300}),
        ("fmn", {"norm": "linf"}),
        ("hop_skip_jump", {"norm": "linf", "queries": 300}),
    ],
)
def test_every_sort_of_attack_works_unchanged(name: str, more: dict[str, Any]) -> None:
    """By gradients, scores, decisions; nearest; in rounds: none beats the closed form."""
    eps = 0.06
    reach = eps * DUAL["linf"]
    scores = LIMIT + reach * torch.tensor([0.3, 0.6, 1.2, 2.0])
    attack = adversity.create("attack", name, eps=eps, **more)
    found = attack(victim("look_sure"), images_with(scores), [1] * 4, ids=IDS[:4])
    assert found.success[:1].tolist() == [True]
    assert found.success[2:].tolist() == [False, False]
    assert found.queries.min() > 0


def accepted(images: torch.Tensor) -> torch.Tensor:
    return (images.flatten(1) - 0.5) @ WEIGHTS <= LIMIT


@pytest.mark.parametrize("objective", ["look_sure", "look_unsure"])
def test_only_who_can_be_fooled_is_attacked(objective: str) -> None:
    """Wrong and rejected, or right and accepted; a sample without a label is neither."""
    scores = LIMIT + torch.tensor([-0.02, 0.02]).repeat(2)
    labels = [0, 0, 1, 1]
    images = images_with(scores)
    attack = adversity.create("attack", "pgd", eps=0.1, steps=5)
    found = attack(victim(objective), images, labels, ids=IDS[:4])
    attacked = {"look_sure": [3], "look_unsure": [0]}[objective]
    assert found.success.nonzero().flatten().tolist() == attacked
    assert (found.queries > 0).nonzero().flatten().tolist() == attacked
    still = [row for row in range(4) if row not in attacked]
    assert torch.equal(found.images[still], images[still])
    assert bool((accepted(found.images) != accepted(images))[attacked].all())
    unlabelled = victim(objective).bind(IDS[:4], labels=torch.tensor([-2] * 4))
    assert unlabelled.attackable(images).tolist() == [-1] * 4


def test_every_answer_to_an_unknown_class_is_wrong() -> None:
    """A sample of a class that the victim lacks can only look sure: open where it is rejected."""
    scores = LIMIT + torch.tensor([-0.02, 0.02, 0.05])
    images, attack = images_with(scores), adversity.create("attack", "pgd", eps=0.02, steps=5)
    sure = attack(victim("look_sure"), images, [-1, -1, -1], ids=IDS[:3])
    assert sure.success.tolist() == [False, True, False]  # the third is beyond 1.7 eps
    assert (sure.queries > 0).tolist() == [False, True, True]
    unsure = attack(victim("look_unsure"), images, [-1, -1, -1], ids=IDS[:3])
    assert unsure.queries.tolist() == [0, 0, 0]


class Turning(nn.Module):
    """Two classes by the first pixel; the nearer to the border between them, the less sure."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        lead = 8 * (images.flatten(1)[:, 0] - 0.5)
        return torch.stack([lead, -lead], 1)


def test_look_sure_never_counts_a_right_answer() -> None:
    """Every image of the ball, searched: sure of the right class is no success, sure of the wrong is.

    A pixel of 0.49 answers the second class, hardly; the way to the first, the right one, is
    shorter. An attack that only seeks to look sure would take it.
    """
    held = torch.linspace(0.0, 1.0, 100)
    threshold = adversity.create("uncertainty", "threshold", score="max_softmax", rejects=0.3)
    net = Turning()
    fitted = threshold.fit(net(held.reshape(-1, 1, 1, 1)), [0] * 100)
    sure = adversity.target(net, fitted, objective="look_sure")
    pixels = torch.tensor([0.49, 0.47, 0.43, 0.51])
    images = pixels.reshape(-1, 1, 1, 1)
    attack = adversity.create("attack", "pgd", eps=0.12, steps=20)
    found = attack(sure, images, [0, 0, 0, 1], ids=IDS[:4])
    for row, label in enumerate([0, 0, 0, 1]):
        tried = (pixels[row] + torch.linspace(-0.12, 0.12, 241)).reshape(-1, 1, 1, 1)
        logits = net(tried)
        possible = bool((fitted(logits) & (logits.argmax(1) != label)).any())
        assert bool(found.success[row]) == possible
        assert bool(found.prediction[row]) == possible
    logits = net(found.images)
    assert bool((logits.argmax(1) != torch.tensor([0, 0, 0, 1]))[found.success].all())
    assert bool(fitted(logits)[found.success].all())
    assert int(found.success.sum()) > 0


def test_the_verdict_is_the_method_s_own_and_the_gradient_that_of_differences() -> None:
    """For entropy behind a network: the judge's class is `accepted`, to the bit."""
    draw = torch.Generator().manual_seed(4)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).requires_grad_(requires_grad=False)
    with torch.no_grad():
        net[1].weight.copy_(6 * torch.randn(3, 4, generator=draw))
        net[1].bias.zero_()
    images = torch.rand(40, 1, 2, 2, generator=draw)
    labels = torch.arange(40) % 3
    rule_ = adversity.create("uncertainty", "threshold", score="entropy", rejects=0.4)
    fitted = rule_.fit(net(images).detach(), labels)
    for objective in ("look_sure", "look_unsure"):
        target = adversity.target(net, fitted, objective=objective).bind(IDS[:40], labels=labels)
        logits = net(images).detach()
        taken, wrong = fitted(logits), logits.argmax(1) != labels
        fooled = taken & wrong if objective == "look_sure" else ~taken
        assert torch.equal(target.answer(images).predicted == 1, fooled)
        assert torch.equal(target.decisions(images) == 1, fooled)
        values = target.logits(images)
        clear = values[:, 1].abs() > 1e-6  # the threshold is one of these scores
        assert torch.equal((values.argmax(1) == 1)[clear], fooled[clear])
        point = images.clone().requires_grad_()
        (found,) = torch.autograd.grad(target.logits(point)[:, 1].sum(), point)
        for way in torch.eye(4).reshape(4, 1, 2, 2):
            ahead, behind = (
                target.logits(images + sign * 1e-3 * way)[:, 1].double() for sign in (1, -1)
            )
            slope = (ahead - behind) / 2e-3
            gap = ((found * way).sum((1, 2, 3)) - slope).abs()
            # Where the smaller of two changes on the way, the quotient is of both: few rows.
            assert float(gap.median()) < 1e-3
            assert int((gap > 0.02 * slope.abs() + 0.01).sum()) <= 2
    assert target.structure() is None


def test_draws_and_ensembles_may_stand_in_front() -> None:
    """The decision is about the mean, whatever it is made of."""
    draw = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(4, 3)).eval()
    with torch.no_grad():
        net[2].weight.copy_(6 * torch.randn(3, 4, generator=draw))
        net[2].bias.zero_()
    images = torch.rand(8, 1, 2, 2, generator=draw)
    labels = [0, 1, 2, 0, 1, 2, 0, 1]
    drops = adversity.create("uncertainty", "mc_dropout", draws=3)
    fitted = adversity.create("uncertainty", "threshold", score="entropy", rejects=0.4).fit(
        drops(net, images, ids=IDS[:8]).probs.log(), labels
    )
    attack = adversity.create("attack", "pgd", eps=0.3, steps=3)
    for front in (
        (net, drops),
        (adversity.target(net), adversity.create("uncertainty", "deep_ensemble")),
    ):
        found = attack(
            adversity.target(*front, fitted, objective="look_unsure"), images, labels, ids=IDS[:8]
        )
        assert found.queries.max() == 3


def test_rows_do_not_depend_on_their_neighbours() -> None:
    """Alone and in any order; labels go with their rows."""
    scores = LIMIT + torch.linspace(-0.05, 0.05, 7)
    images, labels = images_with(scores), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    whole = victim("look_sure").bind(IDS[:7], labels=labels)
    expected = whole.logits(images)
    for index in itertools.chain([[5, 0, 3]], [[k] for k in range(7)]):
        assert torch.equal(whole.rows(index).logits(images[index]), expected[index])
