"""AutoAttack: its order, who sees what is left, few classes, and the authors' own figure."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError
from adversity.testing import check_plugin
from adversity.testing.kinds.attack import EPS
from adversity_plugins.attack.ensemble import _auto_attack_order as auto_attack_order
from adversity_plugins.attack.ensemble._auto_attack_order import order_of
from adversity_plugins.attack.ensemble.auto_attack import AutoAttack

STANDARD = ["apgd-ce", "apgd-t", "fab-t", "square"]


def attack(**parameters: Any) -> AttackCall:
    """Make AutoAttack ready to call, without the catalogue."""
    return AttackCall(Ready(AutoAttack(**parameters), 'attack "auto_attack" (test)'))


def few(images: torch.Tensor, classes: int) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a small network with so many classes, and what it says of the images."""
    generator = torch.Generator().manual_seed(7)
    layer = torch.nn.Linear(images[0].numel(), classes)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        layer.bias.copy_(-(layer.weight @ images.flatten(1).mean(0)))
        network = torch.nn.Sequential(torch.nn.Flatten(), layer, torch.nn.Tanh())
        return network, network(images).argmax(1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps and queries, for what is not about strength."""
    monkeypatch.setattr(auto_attack_order, "STEPS", 10)
    monkeypatch.setattr(auto_attack_order, "QUERIES", 60)


@pytest.fixture
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few as still make all four attacks work, for what is about rows and budgets alone."""
    monkeypatch.setattr(auto_attack_order, "STEPS", 4)
    monkeypatch.setattr(auto_attack_order, "QUERIES", 20)


@pytest.mark.parametrize(
    ("norm", "restarts", "targets"), [("linf", 1, 9), ("l2", 1, 9), ("l1", 5, 5)]
)
def test_standard_is_what_the_authors_run(norm: Any, restarts: int, targets: int) -> None:
    """Their order; 100 steps, 5000 queries; nine classes to aim at, in l1 five, and five restarts."""
    order = order_of("standard", norm=norm, eps=0.1, classes=10)
    assert list(order) == STANDARD
    first, aimed, fab, square = order.values()
    assert {(part.norm, part.eps) for part in order.values()} == {(norm, 0.1)}
    assert (first.loss, first.restarts, first.targets) == ("ce", restarts, None)
    assert (aimed.loss, aimed.restarts, aimed.targets) == ("dlr", 1, targets)
    assert first.steps == aimed.steps == 100
    assert first.early_stop
    assert first.random_start
    assert (fab.steps, fab.restarts, fab.targets, fab.early_stop) == (100, 1, 9, True)
    assert (square.queries, square.restarts, square.p_init) == (5000, 1, 0.8)


@pytest.mark.parametrize(
    ("classes", "aimed", "second"),
    [(2, "margin", "margin"), (3, "margin", "dlr"), (4, "dlr", "dlr")],
)
def test_the_loss_follows_from_the_number_of_classes(classes: int, aimed: str, second: str) -> None:
    """DLR where it is defined, else the margin: three classes, four to aim at one."""
    standard = order_of("standard", norm="linf", eps=0.1, classes=classes)
    rand = order_of("rand", norm="linf", eps=0.1, classes=classes)
    losses = [part.loss for part in (*standard.values(), *rand.values()) if hasattr(part, "loss")]
    assert losses == ["ce", aimed, "ce", second]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("version", ["standard", "rand"])
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes_are_attacked(images: Any, classes: int, version: Any) -> None:
    """With two, three and four classes all attacks run, and samples are fooled."""
    network, truth = few(images, classes)
    for eps in (1e-4, 0.1):
        result = attack(eps=eps, version=version)(adversity.target(network), images, truth)
    assert int(result.success.sum()) > len(images) // 2


@pytest.mark.parametrize(
    ("version", "names"), [("standard", STANDARD), ("rand", ["apgd-ce", "apgd-dlr"])]
)
def test_it_is_rounds_that_no_gate_stops(images: Any, version: Any, names: list[str]) -> None:
    """The core runs the authors' attacks in their order, all of them: the figure is published."""
    plugin = AutoAttack(norm="l2", eps=0.5, version=version)
    rounds = plugin.rounds()
    assert list(rounds) == names
    assert {part.threat_model for part in rounds.values()} == {plugin.threat_model}
    with pytest.raises(InputError, match="always runs to its end"):
        attack(eps=0.1)(None, images, [0] * len(images), gate="robust_accuracy >= 0.99")


@pytest.mark.usefixtures("quick")
def test_whoever_stands_has_the_worst_point_and_not_the_clean_image(
    network: Any, images: Any, labels: Any
) -> None:
    """Trap 3.24: for each sample that stands some other class comes nearer than at the start."""
    result = attack(eps=0.008)(adversity.target(network), images, labels)
    stands = ~result.success
    assert 0 < int(stands.sum()) < len(images)
    answer = adversity.target(network).bind([str(row) for row in range(len(images))]).answer
    lead, before = answer(result.images).lead(labels), answer(images).lead(labels)
    assert bool((lead > before)[stands].all())
    assert result.parameters["solved_by"][stands].tolist() == [0.0] * int(stands.sum())


@pytest.mark.usefixtures("quicker")
@pytest.mark.parametrize(
    "norm", ["linf", *(pytest.param(n, marks=pytest.mark.slow) for n in ("l2", "l1"))]
)
def test_the_same_bits_for_any_batch_within_the_budget(
    network: Any, images: Any, labels: Any, norm: Any
) -> None:
    """Turned round and alone every sample's image is the same, and within eps in float64."""
    eps = {"linf": 0.008, "l2": 0.08, "l1": 0.5}[norm]
    made, ids = attack(norm=norm, eps=eps), [f"id-{row}" for row in range(len(images))]
    whole = made(adversity.target(network), images, labels, ids=ids)
    assert 0 < int(whole.success.sum()) < len(images)
    assert float(distances(whole.images, images, norm).max()) <= eps
    for turned in (torch.arange(len(images)).flip(0)[3:], torch.tensor([4])):
        again = made(
            adversity.target(network), images[turned], labels[turned], ids=[ids[i] for i in turned]
        )
        assert torch.equal(again.images, whole.images[turned])
        assert torch.equal(again.gradients, whole.gradients[turned])
        assert torch.equal(again.queries, whole.queries[turned])


@pytest.mark.usefixtures("quick")
def test_it_leaves_no_more_than_its_first_attack_does(
    network: Any, images: Any, labels: Any
) -> None:
    """Whoever falls to APGD on cross-entropy falls to the ensemble, for few gradients."""
    from adversity_plugins.attack.gradient._apgd_search import apgd_search
    from adversity_plugins.attack.gradient.apgd import APGD

    ids = [str(row) for row in range(len(images))]
    victim = adversity.target(network).bind(ids)
    rng = adversity.SampleRng(seed=0, step="attack", ids=ids).child("apgd-ce")
    alone = apgd_search(victim, images, labels, rng, APGD(norm="linf", eps=0.008, steps=10))
    result = attack(eps=0.008)(adversity.target(network), images, labels)
    assert bool((result.success >= alone.fooled).all())
    assert int(result.gradients[alone.fooled].max()) <= 10
    assert int(result.gradients[~result.success].min()) == 10 + 9 * 10 + 9 * 10


@pytest.mark.slow
@pytest.mark.usefixtures("quicker")
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_it_passes_the_kit(norm: Any) -> None:
    """Every check of the kit that applies passes in the norms that its examples leave out."""
    assert check_plugin(AutoAttack, parameters={"norm": norm, "eps": EPS[norm]}).passed


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_no_more_is_left_than_by_the_authors(network: Any, images: Any, norm: Any) -> None:
    """Robust accuracy is equal to or lower than that of the authors' code, same network."""
    peer = pytest.importorskip("pyautoattack")
    with torch.no_grad():
        truth = network(images).argmax(1)
    eps = {"linf": 0.006, "l2": 0.06, "l1": 0.35}[norm]
    theirs = peer.AutoAttack(
        network, norm={"linf": "Linf", "l2": "L2", "l1": "L1"}[norm], eps=eps, seed=0
    )
    # Its checks look at how the network is called; they are no part of the attack.
    adversarial, _ = theirs.run_standard_evaluation(images, truth)
    left = int((network(adversarial).argmax(1) == truth).sum())
    result = attack(norm=norm, eps=eps)(adversity.target(network), images, truth)
    assert 0 < left < len(images)
    assert int((~result.success).sum()) <= left
