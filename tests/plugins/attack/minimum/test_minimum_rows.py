"""A sample's nearest failure is its own: the same bits whatever stands beside it, and confirmed.

Images of 3 x 7 x 5 values, 105, which fill no whole number of vector registers: an operation
that rounds the last few values of a tensor otherwise than the first would show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum import _nearest as nearest_module
from adversity_plugins.attack.minimum._carlini_wagner_search import _Run
from adversity_plugins.attack.minimum._nearest import Nearest
from adversity_plugins.attack.minimum.carlini_wagner import CarliniWagner
from adversity_plugins.attack.minimum.ddn import DDN
from adversity_plugins.attack.minimum.deepfool import DeepFool
from adversity_plugins.attack.minimum.fmn import FMN

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.engine.attack.attacking import AttackResult

QUICK: dict[str, Any] = {"steps": 15, "search_steps": 2, "learning_rate": 0.1, "initial_c": 1.0}
CASES: list[tuple[type[Any], dict[str, Any]]] = [
    (DeepFool, {"norm": "l2"}),
    (DeepFool, {"norm": "linf"}),
    (FMN, {"norm": "linf", "steps": 12}),
    (FMN, {"norm": "l2", "steps": 12}),
    (FMN, {"norm": "l1", "steps": 12}),
    (DDN, {"steps": 12}),
    (CarliniWagner, {"norm": "l2", **QUICK}),
    (CarliniWagner, {"norm": "linf", **QUICK}),
]
IDS = [f"{cls.name}-{given.get('norm', 'l2')}" for cls, given in CASES]


def made(cls: type[Any], given: dict[str, Any]) -> AttackCall:
    """Return the attack, ready to call, without the registry."""
    return AttackCall(Ready(cls(**given), f'attack "{cls.name}" (test)'))


@pytest.fixture(scope="module")
def odd() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A fixed network of five classes, 9 images [9, 3, 7, 5] and its answers.

    Its last layer has 280 inputs: with a number that is no multiple of 8, torch's own matrix
    product rounds a row otherwise at odd places of the batch (AVX-512, torch 2.15).
    """
    generator = torch.Generator().manual_seed(3)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 35, 5),
    )
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    net.requires_grad_(requires_grad=False)
    images = (1.4 * torch.rand(9, 3, 7, 5, generator=generator) - 0.2).clamp(0, 1)
    return net, images, adversity.target(net).bind(list("abcdefghi")).answer(images).predicted


@pytest.fixture(scope="module")
def whole_of(odd: Any) -> Callable[..., AttackResult]:
    """What an attack finds for all nine images, each made once."""
    net, images, labels = odd
    known: dict[str, AttackResult] = {}

    def whole(cls: type[Any], given: dict[str, Any]) -> AttackResult:
        key = f"{cls.name} {given}"
        if key not in known:
            known[key] = made(cls, given)(adversity.target(net), images, labels)
        return known[key]

    return whole


@pytest.mark.parametrize(("cls", "given"), CASES, ids=IDS)
def test_same_bits_for_any_batch_order_and_duplicates(
    cls: type[Any], given: dict[str, Any], odd: Any, whole_of: Callable[..., AttackResult]
) -> None:
    """Together, alone, in reverse and beside copies of itself a sample ends at the same bytes."""
    net, images, labels = odd
    attack, victim = made(cls, given), adversity.target(net)
    whole = whole_of(cls, given)
    assert bool((whole.norms > 0).all())
    for order in ([3], [8, 7, 6, 5, 4, 3, 2, 1, 0], [2, 2, 5, 2], [0, 4]):
        part = attack(victim, images[order], labels[order])
        assert torch.equal(part.images, whole.images[order])
        assert torch.equal(part.gradients, whole.gradients[order])
        assert torch.equal(part.queries, whole.queries[order])


@pytest.mark.parametrize(("cls", "given"), CASES, ids=IDS)
def test_finds_confirms_and_stays_in_the_box(
    cls: type[Any], given: dict[str, Any], odd: Any, whole_of: Callable[..., AttackResult]
) -> None:
    """Every sample of this network has a failure; the judge agrees and the box holds."""
    labels, result = odd[2], whole_of(cls, given)
    assert bool(result.success.all())
    assert bool((result.prediction != labels).all())
    assert 0 <= float(result.images.min()) <= float(result.images.max()) <= 1


@pytest.mark.parametrize(("cls", "given"), CASES, ids=IDS)
def test_image_comes_back_where_nothing_is_found(
    cls: type[Any], given: dict[str, Any], odd: Any
) -> None:
    """A victim that never changes its answer leaves every image as it was, with no success."""

    class Stubborn(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            score = images.flatten(1).sum(1)
            return torch.stack([1000 + score, score, 2 * score], 1)

    _, images, _ = odd
    labels = torch.zeros(len(images), dtype=torch.int64)
    result = made(cls, given)(adversity.target(Stubborn()), images, labels)
    assert torch.equal(result.images, images)
    assert not bool(result.success.any())


@pytest.mark.parametrize(("cls", "given"), CASES, ids=IDS)
def test_further_than_eps_is_no_success(
    cls: type[Any], given: dict[str, Any], odd: Any, whole_of: Callable[..., AttackResult]
) -> None:
    """With eps at the median distance about half of the same images count."""
    net, images, labels = odd
    victim, free = adversity.target(net), whole_of(cls, given)
    eps = float(free.norms.median())
    bound = made(cls, {**given, "eps": eps})(victim, images, labels)
    assert torch.equal(bound.images, free.images)
    assert torch.equal(bound.success, free.norms <= eps * (1 + 1e-6) + 2.0**-25)
    assert 0 < int(bound.success.sum()) < len(images)


def test_twin_that_keeps_the_last_failure_ends_further_out(odd: Any, monkeypatch: Any) -> None:
    """Success judged without distance: keeping any failure, not the nearest, is seen here."""
    net, images, labels = odd
    # Drawing in would hide a part of it: the line to another failure may be the better one.
    monkeypatch.setattr(Nearest.draw_in, "__defaults__", (0,))
    victim, given = adversity.target(net), {"norm": "l2", **QUICK, "tangents": 0}
    sound = made(CarliniWagner, given)(victim, images, labels).norms

    def any_failure(self: Nearest, place: Any, found: Any, hit: Any) -> None:
        self._take(place[hit], found[hit])

    monkeypatch.setattr(Nearest, "offer", any_failure)
    twin = made(CarliniWagner, given)(victim, images, labels).norms
    assert bool((twin >= sound * (1 - 1e-6)).all())
    assert bool((twin > 1.001 * sound).any())


@pytest.mark.slow
def test_twin_that_stops_for_the_whole_batch_depends_on_it(odd: Any, monkeypatch: Any) -> None:
    """A descent that ends when the batch's summed loss stalls gives other bits alone."""
    net, images, labels = odd
    victim = adversity.target(net)
    given = {**QUICK, "norm": "l2", "steps": 100, "tangents": 0}
    whole = made(CarliniWagner, given)(victim, images, labels)
    step = _Run._step

    def summed(self: _Run, *, compare: bool) -> torch.Tensor:
        before = self._last.sum()
        stay = step(self, compare=compare)
        if compare:
            stay = torch.full_like(stay, bool(self._last.sum() <= before * 0.9999))
        return stay

    monkeypatch.setattr(_Run, "_step", summed)
    twin = made(CarliniWagner, given)
    together = twin(victim, images, labels)
    alone = [twin(victim, images[[i]], labels[[i]]) for i in range(len(images))]
    apart = [not torch.equal(a.images[0], together.images[i]) for i, a in enumerate(alone)]
    assert any(apart)
    assert bool(whole.success.all())


def test_drawing_in_helps(odd: Any, monkeypatch: Any) -> None:
    """Without the last halvings DeepFool's failures lie further out, by up to its overshoot."""
    net, images, labels = odd
    victim, given = adversity.target(net), {"norm": "l2", "tangents": 0, "overshoot": 0.02}
    drawn = made(DeepFool, given)(victim, images, labels).norms
    monkeypatch.setattr(Nearest.draw_in, "__defaults__", (0,))
    bare = made(DeepFool, given)(victim, images, labels).norms
    assert nearest_module.HALVINGS == 20
    assert bool((drawn <= bare * (1 + 1e-9)).all())
    assert float((bare / drawn).median()) > 1.005
