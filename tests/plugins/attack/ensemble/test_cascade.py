"""The cascade: which rounds, as strong as AutoAttack sample by sample, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity_plugins.attack.ensemble import _auto_attack_order as auto_attack_order
from adversity_plugins.attack.ensemble import cascade
from adversity_plugins.attack.ensemble.auto_attack import AutoAttack
from adversity_plugins.attack.ensemble.cascade import Cascade
from adversity_plugins.attack.gradient.pgd import PGD

NAMES = ["pgd", "apgd-ce", "apgd-t", "fab-t", "square"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps and queries, for what is not about strength."""
    monkeypatch.setattr(auto_attack_order, "STEPS", 4)
    monkeypatch.setattr(auto_attack_order, "QUERIES", 20)
    monkeypatch.setattr(cascade, "STEPS", 2)


def run(plugin: Any, network: Any, images: Any, labels: Any, **settings: Any) -> Any:
    """Attack as the step `attack`, so that both draw the same numbers."""
    victim = adversity.target(network).bind([str(row) for row in range(len(images))])
    return attack(Ready(plugin, "under test"), victim, images, labels, **settings)


def test_the_rounds_are_pgd_and_those_of_auto_attack() -> None:
    """PGD with ten steps, then the standard four by name, all with the same budget."""
    rounds = Cascade(norm="l2", eps=0.5).rounds()
    assert list(rounds) == NAMES
    order = auto_attack_order.order_of("standard", norm="l2", eps=0.5, classes=10)
    assert list(rounds)[1:] == list(order)
    first = rounds["pgd"]
    assert isinstance(first, PGD)
    assert (first.steps, first.random_start, first.early_stop) == (10, True, True)
    assert {(part.norm, part.eps) for part in rounds.values()} == {("l2", 0.5)}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "norm", ["linf", *(pytest.param(n, marks=pytest.mark.slow) for n in ("l2", "l1"))]
)
def test_what_auto_attack_fools_it_fools(network: Any, images: Any, labels: Any, norm: Any) -> None:
    """Sample by sample: who stands after PGD meets AutoAttack's own, with the same numbers."""
    eps = {"linf": 0.008, "l2": 0.08, "l1": 0.5}[norm]
    ours = run(Cascade(norm=norm, eps=eps), network, images, labels)
    standard = run(AutoAttack(norm=norm, eps=eps), network, images, labels)
    assert 0 < int(standard.success.sum()) < len(images)
    assert bool((ours.success >= standard.success).all())
    solved = ours.parameters["solved_by"]
    assert ((solved > 0) == ours.success).all()
    # Those that PGD left and another one fooled have the very image that AutoAttack found.
    later = solved > 1
    assert torch.equal(ours.images[later], standard.images[later])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_are_attacked(images: Any, classes: int) -> None:
    """Where DLR is not defined the rounds aim with the margin, as AutoAttack's do."""
    generator = torch.Generator().manual_seed(7)
    layer = torch.nn.Linear(images[0].numel(), classes)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        layer.bias.copy_(-(layer.weight @ images.flatten(1).mean(0)))
    network = torch.nn.Sequential(torch.nn.Flatten(), layer)
    with torch.no_grad():
        truth = network(images).argmax(1)
    for eps in (1e-4, 0.1):
        result = run(Cascade(eps=eps), network, images, truth)
    assert int(result.success.sum()) > len(images) // 2


@pytest.mark.usefixtures("quick")
def test_a_gate_that_fails_ends_it_after_the_first_round(
    network: Any, images: Any, labels: Any
) -> None:
    """What was not tried costs nothing, and the result says that its figure is a bound."""
    made = adversity.create("attack", "cascade", eps=0.02)
    victim = adversity.target(network)
    early = made(victim, images, labels, gate="robust_accuracy >= 0.99")
    whole = made(victim, images, labels)
    assert early.stopped.name == "pgd"
    assert "robust accuracy is an upper bound" in str(early.stopped)
    assert whole.stopped is None
    assert int(early.gradients.max()) <= 2 < int(whole.gradients.max())
    assert int(early.success.sum()) <= int(whole.success.sum())
    first = early.success
    assert torch.equal(early.images[first], whole.images[first])


@pytest.mark.usefixtures("quick")
def test_grey_box_rounds_are_judged_on_the_whole_chain(
    network: Any, images: Any, labels: Any
) -> None:
    """Who stands is the judge's to say, not that of the part which the attack computes on."""
    ids = [str(row) for row in range(len(images))]
    part = adversity.target(network).bind(ids)

    class Blind(torch.nn.Module):
        def forward(self, given: Any) -> Any:
            return torch.nn.functional.one_hot(
                torch.zeros(len(given), dtype=torch.long), 10
            ).float()

    judge = adversity.target(Blind()).bind(ids)
    result = attack(
        Ready(Cascade(eps=0.02), "under test"),
        part,
        images,
        torch.zeros_like(labels),
        judge=judge,
    )
    assert not bool(result.success.any())
    assert bool((result.parameters["solved_by"] == 0).all())
    assert int(result.queries.min()) >= len(NAMES)  # every round was tried on each
