"""Probes catch attacks that cannot work, and leave those alone that do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import PrivateAttr

import adversity
from adversity import Attack
from adversity.engine.attack.probes import probe_shares
from adversity.engine.calls.ready import Ready
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError, ParameterError

PROBED = 12


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A small convolutional network of six classes."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(216, 6)
    )


@pytest.fixture(scope="module")
def inputs(network: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Twenty images of 8 x 8, each with the network's own answer, but for the first one."""
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    images = (images * 255).round() / 255
    labels = network(images).argmax(1)
    labels[0] = (labels[0] + 1) % 6
    return images, labels


class Masked(torch.nn.Module):
    """The network, hidden behind a rounding or a saturation."""

    def __init__(self, network: torch.nn.Module, how: str) -> None:
        super().__init__()
        self.network, self.how = network, how

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.how == "eight bits":
            images = (images * 255).round() / 255
        logits: torch.Tensor = self.network(images)
        if self.how == "saturated":
            return ((logits - logits.amax(1, keepdim=True).detach()) * 1e6 + 50).sigmoid()
        return logits.detach() + 0 * images.sum() if self.how == "no gradient" else logits


class Same(Attack):
    """The twin: give back what came."""

    name: ClassVar[str] = "same"
    norm: Any = "linf"
    eps: float = 8 / 255
    steps: int = 3
    restarts: int = 1

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        logits = target.logits(images.clone().requires_grad_())
        torch.autograd.grad(logits.sum(), logits)
        return images


class Small(Same):
    """Refuse more than half the range."""

    name: ClassVar[str] = "small"
    steps: int = 3

    def model_post_init(self, context: Any) -> None:
        if self.eps > 0.5:
            raise ValueError("expected eps of at most 0.5")


def _flags(attack: Any, victim: Any, inputs: Any, probe: int = PROBED) -> dict[str, float]:
    images, labels = inputs
    found = attack(adversity.target(victim), images, labels, probe=probe)
    return {
        name: value for name, value in found.flags.items() if "_share" in name or "full" in name
    }


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("name", ["pgd", "apgd", "fgsm"])
def test_an_honest_network_falls_when_anything_is_allowed(
    network: Any, inputs: Any, name: str, norm: str
) -> None:
    """With the whole space as budget nothing stands; FGSM has no steps that could be doubled."""
    steps = {} if name == "fgsm" else {"steps": 10}
    attack = adversity.create("attack", name, norm=norm, eps=0.01, **steps)
    found = _flags(attack, network, inputs)
    assert found["full_budget_accuracy"] == 0.0
    assert ("more_steps_gain_share" in found) is (name != "fgsm")
    assert ("more_restarts_gain_share" in found) is (name != "fgsm")


@pytest.mark.parametrize("how", ["eight bits", "saturated", "no gradient"])
def test_a_masked_network_stands_whatever_is_allowed(network: Any, inputs: Any, how: str) -> None:
    """FGSM moves nothing there, and the whole space does not help it."""
    attack = adversity.create("attack", "fgsm", eps=8 / 255)
    assert _flags(attack, Masked(network, how), inputs) == {"full_budget_accuracy": 1.0}


def test_the_identity_twin_is_caught(network: Any, inputs: Any) -> None:
    """What does nothing does nothing with any budget; twice the steps of nothing gain nothing."""
    twin = AttackCall(Ready(Same(), 'attack "same" (test)'))
    found = _flags(twin, network, inputs)
    assert found == {
        "full_budget_accuracy": 1.0,
        "more_steps_gain_share": 0.0,
        "more_restarts_gain_share": 0.0,
    }


def test_too_few_steps_show_as_a_gain(network: Any, inputs: Any) -> None:
    """Steps of a fixed length that cannot reach the budget: twice as many go twice as far.

    The gain is recounted by running both attacks by hand.
    """
    images, labels = inputs
    given = {"eps": 0.1, "step_size": 0.003, "random_start": False}
    short, twice = (adversity.create("attack", "pgd", steps=n, **given) for n in (4, 8))
    found = _flags(short, network, inputs)
    before, after = (a(adversity.target(network), images, labels).success for a in (short, twice))
    probed = slice(1, PROBED)
    gained = int((after & ~before)[probed].sum())
    assert gained > 0
    assert found["more_steps_gain_share"] == pytest.approx(gained / (PROBED - 1), abs=1e-12)
    # The step is as long a share of the whole space as of the budget: 0.03 of it, four times.
    assert found["full_budget_accuracy"] < 0.5


def test_a_probe_changes_nothing_of_the_attack(network: Any, inputs: Any) -> None:
    """Same images, same cost, and the same answer for any number of other images beside."""
    images, labels = inputs
    attack = adversity.create("attack", "pgd", eps=0.02, steps=3)
    victim = adversity.target(network)
    plain, probed = (attack(victim, images, labels, probe=n) for n in (None, PROBED))
    assert torch.equal(plain.images, probed.images)
    assert torch.equal(plain.gradients, probed.gradients)
    assert torch.equal(plain.queries, probed.queries)
    signs = {"zero_gradient", "nan_gradient", "never_moved", "probability_output"}
    assert set(plain.flags) == {*signs, "hidden_pixels"}
    fewer = _flags(attack, network, (images[:PROBED], labels[:PROBED]))
    assert fewer == {name: probed.flags[name] for name in fewer}


def test_what_cannot_be_probed_is_refused(network: Any, inputs: Any) -> None:
    """A black box, no sample, and an attack that refuses the budget, each with the reason."""
    square = adversity.create("attack", "square", eps=0.1, queries=5)
    with pytest.raises(InputError, match="queries its victim for scores"):
        _flags(square, network, inputs)
    with pytest.raises(InputError, match="at least 1, got 0"):
        _flags(adversity.create("attack", "fgsm", eps=0.1), network, inputs, probe=0)
    with pytest.raises(ParameterError, match=r"refuses eps: 1 .*at most 0.5.*leave probe: out"):
        _flags(AttackCall(Ready(Small(), 'attack "small" (test)')), network, inputs)


class Counting(Same):
    """Its budget is a whole number of values, which it sets to the other end of the box."""

    name: ClassVar[str] = "counting"
    norm: Any = "l1"
    eps: int = 2

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        changed = images.clone().flatten(1)
        for column in range(self.eps):
            changed[:, column] = 1 - changed[:, column].round()
        return changed.view_as(images)


def test_a_probe_gives_values_as_the_class_takes_them(network: Any, inputs: Any) -> None:
    """The whole space in l1 is 64.0, and 64 for a parameter that is a whole number."""
    found = _flags(AttackCall(Ready(Counting(), 'attack "counting" (test)')), network, inputs)
    images, labels = inputs
    right = network(1 - images.round()).argmax(1) == labels
    expected = right[1:PROBED].double().mean()
    assert found["full_budget_accuracy"] == pytest.approx(float(expected), abs=1e-12)


class Once(Counting):
    """Refuse to be set up a second time, on what `setup` made."""

    name: ClassVar[str] = "once"
    _there: bool = PrivateAttr(default=False)

    def setup(self, device: str) -> None:
        super().setup(device)
        if self._there:
            raise ValueError("set up twice")
        self._there = True


def test_a_probe_is_a_plugin_of_its_own(network: Any, inputs: Any) -> None:
    """Each variant is set up from its parameters: `setup` meets nothing of another `setup`."""
    once = AttackCall(set_up(Once(), 'attack "once" (test)', "cpu"))
    counting = AttackCall(Ready(Counting(), 'attack "counting" (test)'))
    assert _flags(once, network, inputs) == _flags(counting, network, inputs)


def test_shares_are_over_the_probed() -> None:
    """Three of five were probed; one of them fell to more steps alone; two in five are class 1."""
    rows = {
        "target": np.array([0, 0, 1, 1, 0]),
        "fooled": np.array([True, False, False, True, False]),
        "full_budget_correct": np.array([0.0, 1.0, 0.0, np.nan, np.nan]),
        "more_steps_fooled": np.array([1.0, 1.0, 0.0, np.nan, np.nan]),
    }
    found = probe_shares(rows, 4)
    assert {name: (m.value, m.n) for name, m in found.items()} == {
        "full_budget_accuracy": (1 / 3, 3),
        "more_steps_gain_share": (1 / 3, 3),
    }
    assert found["full_budget_accuracy"].details == {"chance": 0.25, "majority": 0.6}
    assert found["full_budget_accuracy"].method == "wilson"
    nobody = {name: np.full(5, np.nan) for name in rows if "_fooled" in name or "_correct" in name}
    assert probe_shares({**rows, **nobody}, 4) == {}
