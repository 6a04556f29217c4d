"""An attack on a chain: its budget, samples that are left alone, any company, no gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity import Attack
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.engine.chain.victim import target
from adversity.errors import PluginError


def chain(*readies: Any, ids: Any) -> ChainTarget:
    """Compose ready plugins."""
    return ChainTarget([Link(f"step{i}", r) for i, r in enumerate(readies)], ids=ids)


class Cheat(Attack):
    """Overstep the budget by a part in ten thousand."""

    name = "cheat"
    norm: Any = "linf"
    eps: float = 0.01
    factor: float = 1.0001

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        return (images * 0.5 + 0.25) + 0 * images if self.factor < 0 else _pushed(self, images)


def _pushed(self: Cheat, images: torch.Tensor) -> torch.Tensor:
    return torch.where(images < 0.5, images + self.eps * self.factor, images - self.eps)


def test_overstepped_budget_is_a_plugin_error(
    make_ready: Any, plugins: Any, images: Any, ids: Any
) -> None:
    """1.0001 eps is refused with the figure; eps itself passes."""
    victim = chain(plugins["net"], ids=ids)
    labels = victim.answer(images).predicted
    with pytest.raises(PluginError, match=r"overstepped its budget: expected linf <= 0\.01"):
        attack(make_ready(Cheat()), victim, images, labels)
    assert float(attack(make_ready(Cheat(factor=0.999)), victim, images, labels).norms.max()) > 0


def test_wrong_from_the_start_is_left_alone(plugins: Any, images: Any, ids: Any) -> None:
    """A misclassified sample is returned untouched, costs nothing and is no success."""
    victim = chain(plugins["net"], ids=ids)
    labels = (victim.answer(images).predicted + (torch.arange(21) % 2)) % 4
    ready = adversity.create("attack", "pgd", eps=0.2, steps=5).ready
    result = attack(ready, victim, images, labels)
    wrong = torch.arange(21) % 2 == 1
    assert torch.equal(result.images[wrong], images[wrong])
    assert not bool(result.success[wrong].any())
    assert result.gradients[wrong].tolist() == [0] * int(wrong.sum())
    assert bool(result.success[~wrong].all())


def test_all_wrong_batch_works(plugins: Any, images: Any, ids: Any) -> None:
    """When nothing is right from the start, nothing is attacked and nothing fails."""
    victim = chain(plugins["net"], ids=ids)
    labels = (victim.answer(images).predicted + 1) % 4
    ready = adversity.create("attack", "pgd", eps=0.2).ready
    result = attack(ready, victim, images, labels)
    assert torch.equal(result.images, images)
    assert not bool(result.success.any())


@pytest.mark.parametrize(
    "settings",
    [
        {"norm": "linf", "eps": 0.05, "steps": 1, "restarts": 2},
        {"norm": "linf", "eps": 0.05, "steps": 5, "early_stop": True},
        {"norm": "l2", "eps": 0.4, "steps": 5, "restarts": 2},
        {"norm": "l1", "eps": 3.0, "steps": 5, "early_stop": True},
    ],
    ids=str,
)
def test_attack_does_not_depend_on_batch_or_order(
    plugins: Any, images: Any, ids: Any, settings: dict[str, Any]
) -> None:
    """With random starts: whole, alone and permuted give the same bytes."""
    ready = adversity.create("attack", "pgd", **settings).ready
    victim = chain(plugins["rounded"], plugins["net"], ids=ids)
    labels = victim.answer(images).predicted
    whole = attack(ready, victim, images, labels, seed=5).images
    order = torch.randperm(21, generator=torch.Generator().manual_seed(2))
    mixed = chain(plugins["rounded"], plugins["net"], ids=[ids[i] for i in order])
    assert torch.equal(
        attack(ready, mixed, images[order], labels[order], seed=5).images, whole[order]
    )
    for i in (0, 13):
        alone = chain(plugins["rounded"], plugins["net"], ids=[ids[i]])
        found = attack(ready, alone, images[i : i + 1], labels[i : i + 1], seed=5).images
        assert torch.equal(found[0], whole[i])


def test_zero_gradient_is_flagged(make_ready: Any, images: Any, ids: Any) -> None:
    """A victim with no gradient at all shows a share of 1, and nothing moved."""
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3))

    class Masked(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = net((x * 7).round() / 7)
            return out

    victim = target(Masked())
    labels = victim.bind(ids).answer(images).predicted
    attack_call = adversity.create("attack", "pgd", eps="8/255", random_start=False)
    result = attack_call(victim, images, labels, ids=ids)
    assert result.flags == {
        "zero_gradient": 1.0,
        "nan_gradient": 0.0,
        "never_moved": 1.0,
        "probability_output": 0.0,
        "hidden_pixels": 0.0,
    }
