"""APGD against closed forms, by its schedule, its best points and its independence of the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError
from adversity_plugins.attack._shared.losses import loss_of
from adversity_plugins.attack._shared.norms import Ball
from adversity_plugins.attack.gradient._apgd_ascent import Best, Goal
from adversity_plugins.attack.gradient._apgd_halving import Halving
from adversity_plugins.attack.gradient.apgd import APGD

EPS = {"linf": 8 / 255, "l2": 0.4, "l1": 2.5}
NORMS = ("linf", "l2", "l1")


def attack(**parameters: Any) -> AttackCall:
    """Make APGD ready to call, without the catalogue."""
    return AttackCall(Ready(APGD(**parameters), 'attack "apgd" (test)'))


def bound(network: Any, images: Any) -> Any:
    """Return the network as the victim of these images."""
    return adversity.target(network).bind([str(row) for row in range(len(images))])


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(3))
def test_linear_optimum_with_the_box_in_the_way(
    linear: Any, best_drop: Any, norm: str, seed: int, *, random_start: bool
) -> None:
    """On linear victims the margin falls by the most it can, to the float32 of the images."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(1, 5, 5, generator=generator, dtype=torch.float64)
    image = (1.6 * torch.rand(1, 1, 5, 5, generator=generator) - 0.3).clamp(0, 1)
    eps = {"linf": 0.2, "l2": 0.8, "l1": 2.0}[norm]
    most = best_drop(weights, image, eps, norm)
    start = float((weights * image.double()).sum())
    # The margin is too large to fall below zero: only the worst loss tells.
    victim = adversity.target(linear(weights, bias=2 * most - start))
    result = attack(norm=norm, eps=eps, steps=40, random_start=random_start)(
        victim, image, torch.tensor([0])
    )
    fall = start - float((weights * result.images.double()).sum())
    assert fall == pytest.approx(most, rel=1e-5)


def test_ratio_is_refused_by_the_attack_on_two_classes(linear: Any) -> None:
    """The refusal comes out of the public call."""
    victim = adversity.target(linear(torch.ones(1, 2, 2)))
    with pytest.raises(InputError, match="`loss: ce` or `loss: margin`"):
        attack(eps=0.1, loss="dlr")(victim, torch.full((1, 1, 2, 2), 0.5), torch.tensor([0]))


def test_two_ways_to_name_a_class_are_refused() -> None:
    """One target class and the likeliest in turn exclude each other."""
    with pytest.raises(ValidationError, match="got both"):
        APGD(eps=0.1, targeted=True, targets=3)


class Flat(torch.nn.Module):
    """A victim without any slope: no step ever raises the loss."""

    def forward(self, images: Any) -> Any:
        """Return the same logits for every image."""
        return 0 * images.flatten(1).sum(1, keepdim=True) + torch.tensor([[2.0, 1.0, 0.0]])


def test_steps_are_halved_at_the_published_checkpoints() -> None:
    """Of 100 steps, after 22, 41, 57, 70, 80, 87, 93 and 99, where nothing ever rises.

    Section 3.1: p_1 = 0.22 and p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06).
    """
    sizes: list[float] = []

    class Watched(Halving):
        def adapt(self, step: int, earlier: torch.Tensor) -> None:
            super().adapt(step, earlier)
            sizes.append(self.size.item())

    image = torch.full((1, 3, 2, 2), 0.5)
    goal = Goal(torch.tensor([0]), "ce")
    Watched(bound(Flat(), image), Ball(image, "linf", 0.25), goal, image, steps=100).run(
        early_stop=False
    )
    halved = [step + 1 for step in range(1, 100) if sizes[step] < sizes[step - 1]]
    assert halved == [22, 41, 57, 70, 80, 87, 93, 99]
    assert sizes[0] == 0.5
    assert sizes[-1] == 0.5 / 2**8


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_exactly_as_many_gradients_as_steps(
    network: Any, images: Any, labels: Any, norm: str, steps: int
) -> None:
    """A restart costs `steps` gradients; the point after the last step is looked at without one."""
    few = adversity.target(network)
    result = attack(norm=norm, eps=1e-6, steps=steps, restarts=2)(few, images, labels)
    # In l1 each of the three budgets looks at its last point.
    looks = 3 if norm == "l1" and steps > 2 else 1
    assert result.gradients.tolist() == [2 * steps] * len(images)
    assert result.queries.tolist() == [2 * (steps + looks)] * len(images)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Remember every point that a climb looks at, with what the victim said of it."""
    seen: list[Any] = []
    offer = Best.offer

    def remembered(self: Best, index: Any, images: Any, fooled: Any, value: Any) -> None:
        seen.append((images.clone(), fooled, value))
        offer(self, index, images, fooled, value)

    monkeypatch.setattr(Best, "offer", remembered)
    return seen


def never_better(network: Any, result: Any, labels: Any, looks: list[Any], ball: Ball) -> bool:
    """Return whether no point in the budget that was looked at is better than what came back."""
    best = [(False, -float("inf"))] * len(labels)
    for images, fooled, value in looks:
        inside = distances(images, ball.start, ball.norm) <= ball.eps
        for row in inside.nonzero().flatten().tolist():
            best[row] = max(best[row], (bool(fooled[row]), float(value[row])))
    logits = bound(network, result.images).logits(result.images)
    found = loss_of(logits, labels, loss="ce", targeted=False)
    return best == list(zip((logits.argmax(1) != labels).tolist(), found.tolist(), strict=True))


@pytest.mark.parametrize("norm", NORMS)
def test_what_comes_back_is_the_best_point_that_was_looked_at(
    network: Any, images: Any, labels: Any, norm: Any, looked_at: list[Any]
) -> None:
    """A fooled point before any other, then the highest loss, over restarts, within eps."""
    eps = EPS[norm] / 2
    result = attack(norm=norm, eps=eps, steps=12, restarts=2)(
        adversity.target(network), images, labels
    )
    assert never_better(network, result, labels, looked_at, Ball(images, norm, eps))


def test_a_twin_that_returns_its_last_point_is_found_out(
    network: Any, images: Any, labels: Any, looked_at: list[Any], monkeypatch: Any
) -> None:
    """The check above fails on a climb that forgets its best points."""
    run = Halving.run

    def last(self: Halving, *, early_stop: bool) -> Best:
        return replace(run(self, early_stop=early_stop), images=self.point)

    monkeypatch.setattr(Halving, "run", last)
    result = attack(eps=EPS["linf"] / 2, steps=12)(adversity.target(network), images, labels)
    ball = Ball(images, "linf", EPS["linf"] / 2)
    assert not never_better(network, result, labels, looked_at, ball)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("more", [{}, {"early_stop": True}, {"loss": "dlr", "targets": 3}], ids=str)
def test_the_same_bits_for_any_batch(
    network: Any, images: Any, labels: Any, norm: str, more: dict[str, Any]
) -> None:
    """Alone, in another order and beside others: every sample's image is the same bytes."""
    made = attack(norm=norm, eps=EPS[norm] / 2, steps=8, **more)
    ids = [f"id-{row}" for row in range(len(images))]
    whole = made(adversity.target(network), images, labels, ids=ids).images
    turned = torch.arange(len(images)).flip(0)[5:]
    again = made(
        adversity.target(network), images[turned], labels[turned], ids=[ids[i] for i in turned]
    ).images
    assert torch.equal(again, whole[turned])
    for row in (0, 9):
        one = slice(row, row + 1)
        alone = made(adversity.target(network), images[one], labels[one], ids=ids[one]).images
        assert torch.equal(alone, whole[one])


def test_a_twin_that_halves_for_the_whole_batch_is_found_out(
    network: Any, images: Any, labels: Any, monkeypatch: Any
) -> None:
    """The check above fails where one sample's rises decide for its neighbours."""
    adapt = Halving.adapt

    def together(self: Halving, step: int, earlier: torch.Tensor) -> None:
        adapt(self, step, earlier)
        self.size = self.size.amin().expand_as(self.size).clone()

    monkeypatch.setattr(Halving, "adapt", together)
    with pytest.raises(AssertionError):
        test_the_same_bits_for_any_batch(network, images, labels, "linf", {})


def test_rows_beyond_a_part_are_the_same_bits(network: Any, images: Any, labels: Any) -> None:
    """More rows than are differentiated at once give what fewer give."""
    many, truth = images.repeat(4, 1, 1, 1), labels.repeat(4)
    ids = [f"id-{row}" for row in range(len(many))]
    made = attack(eps=EPS["linf"] / 2, steps=10, early_stop=True)
    whole = made(adversity.target(network), many, truth, ids=ids).images
    part = made(adversity.target(network), many[60:80], truth[60:80], ids=ids[60:80]).images
    assert torch.equal(part, whole[60:80])


@pytest.mark.parametrize("norm", NORMS)
def test_early_stop_keeps_every_success_for_fewer_gradients(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Solved samples leave: the same samples are fooled for fewer gradients."""
    eps = {"linf": 0.012, "l2": 0.15, "l1": 1.0}[norm]
    plain = attack(norm=norm, eps=eps, steps=20)(adversity.target(network), images, labels)
    early = attack(norm=norm, eps=eps, steps=20, early_stop=True)(
        adversity.target(network), images, labels
    )
    assert torch.equal(early.success, plain.success)
    assert 0 < int(plain.success.sum()) < len(images)
    assert int(early.gradients.sum()) < int(plain.gradients.sum())


@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_every_class_that_is_aimed_at_can_be_the_one(
    network: Any, images: Any, labels: Any, loss: str
) -> None:
    """Aiming at more classes loses no success, and K - 1 is as many as there are."""
    eps, count = 0.012, len(images)
    made = [
        attack(eps=eps, steps=10, loss=loss, targets=n, random_start=False)(
            adversity.target(network), images, labels
        )
        for n in (1, 3, 50)
    ]
    assert bool((made[1].success >= made[0].success).all())
    assert bool((made[2].success >= made[1].success).all())
    assert made[2].gradients.tolist() == [9 * 10] * count


@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_targeted_reaches_the_wanted_class(
    network: Any, images: Any, labels: Any, loss: str
) -> None:
    """With half the box to move in the victim says the target class, for every loss."""
    result = attack(eps=0.5, steps=20, loss=loss, targeted=True)(
        adversity.target(network), images, labels
    )
    assert torch.equal(result.prediction, (labels + 1) % 10)


def test_the_ratio_sees_no_difference_between_logits_and_log_p(
    network: Any, images: Any, labels: Any
) -> None:
    """A victim that is shifted, sample by sample, is attacked with the same success."""

    class LogP(torch.nn.Module):
        def forward(self, images: Any) -> Any:
            return network(images).log_softmax(1)

    made = attack(eps=0.012, steps=20, loss="dlr", random_start=False)
    plain = made(adversity.target(network), images, labels)
    shifted = made(adversity.target(LogP()), images, labels)
    assert torch.equal(plain.success, shifted.success)
    assert 0 < int(plain.success.sum()) < len(images)


def test_it_draws_from_the_samples_streams_alone(network: Any, images: Any, labels: Any) -> None:
    """Another seed gives other images, and restarts start elsewhere."""
    made = attack(eps=EPS["linf"], steps=1)
    first = made(adversity.target(network), images, labels, seed=0).images
    assert torch.equal(first, made(adversity.target(network), images, labels, seed=0).images)
    assert not torch.equal(first, made(adversity.target(network), images, labels, seed=1).images)
