"""What an attack may see of its victim, and what it tells of each sample."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from adversity import Attack, Classifier
from adversity.contracts import Linear, Perturbed
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError


@pytest.fixture
def victim(plugins: Any, ids: Any) -> ChainTarget:
    """The linear net alone."""
    return ChainTarget([Link("net", plugins["net"])], ids=ids)


@pytest.fixture
def labels(victim: ChainTarget, images: torch.Tensor) -> torch.Tensor:
    """What the net says, so that every sample is attacked."""
    return victim.answer(images).predicted


class Asks(Attack):
    """Ask for one thing and say that it asks for another."""

    name = "asks"
    eps: float = 0.1
    norm: Any = "linf"
    asks: str = "decisions"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        if self.asks == "decisions":
            target.decisions(images)
        elif self.asks == "structure":
            target.structure()
        else:
            target.logits(images.clone().requires_grad_(self.asks == "gradients"))
        return images.clone()


_ORDER = ("nothing", "decisions", "scores", "gradients", "structure")


@pytest.mark.parametrize("says", _ORDER)
@pytest.mark.parametrize("asks", _ORDER[1:])
def test_an_attack_sees_no_more_than_it_says(
    make_ready: Any,
    victim: ChainTarget,
    images: torch.Tensor,
    labels: torch.Tensor,
    asks: str,
    says: str,
) -> None:
    """What comes before is allowed, what comes after is refused with the line to write."""
    cls = type("Says", (Asks,), {"access": says, "__module__": __name__})
    ready = make_ready(cls(asks=asks))
    if _ORDER.index(asks) <= _ORDER.index(says):
        attack(ready, victim, images, labels)
    else:
        with pytest.raises((InputError, PluginError), match=f"access = '{asks}'"):
            attack(ready, victim, images, labels)


class Labels(Classifier):
    """The net's answer and nothing else."""

    name = "labels"
    gives = "labels"
    differentiable = False
    within: ClassVar[Any] = None

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.within.plugin.logits(images).argmax(1)
        return torch.nn.functional.one_hot(answer, 4).float()

    def structure(self) -> Linear:
        import numpy as np

        return Linear(np.zeros((4, 108)), np.zeros(4))


def test_decisions_are_had_from_a_victim_that_gives_labels_only(
    make_ready: Any, plugins: Any, victim: ChainTarget, images: torch.Tensor, ids: Any
) -> None:
    """They are the judge's verdicts, each counted as a query and none as a gradient."""
    Labels.within = plugins["net"]
    only = ChainTarget([Link("labels", make_ready(Labels()))], ids=ids)
    assert torch.equal(only.decisions(images), victim.answer(images).predicted)
    assert only.counts.queries[:21].tolist() == [1] * 21
    assert not only.counts.gradients.any()
    with pytest.raises(InputError, match="has no gradient"):
        only.logits(images.clone().requires_grad_())


def test_a_structure_is_given_only_where_nothing_else_stands_in_the_chain(
    make_ready: Any, plugins: Any, ids: Any
) -> None:
    """Behind a restoration the classifier's structure is not the victim's."""
    Labels.within = plugins["net"]
    labels = make_ready(Labels())
    assert ChainTarget([Link("labels", labels)], ids=ids).structure() is not None
    chain = [Link("halve", plugins["halve"]), Link("labels", labels)]
    assert ChainTarget(chain, ids=ids).structure() is None


class Tells(Asks):
    """Tell a number of each sample, or more than the class says."""

    name = "tells"
    access = "decisions"
    tells = ("half",)
    more: bool = False

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Perturbed:
        half = torch.arange(len(images)) / 2
        return Perturbed(images.clone(), {"half": half} | ({"other": half} if self.more else {}))


def test_what_an_attack_tells_of_each_sample_is_kept(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """It stands at the sample; nothing is told where nothing was attacked, the name stays."""
    labels = labels.clone()
    labels[0] = (labels[0] + 1) % 4
    half = attack(make_ready(Tells()), victim, images, labels).parameters["half"]
    assert half[1:].tolist() == [row / 2 for row in range(20)]
    assert half[:1].isnan().all()
    nobody = attack(make_ready(Tells()), victim, images, (victim.answer(images).predicted + 1) % 4)
    assert nobody.parameters["half"].isnan().all()


def test_an_attack_that_tells_other_things_than_it_says_is_refused(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The tables of all shards must have the same columns."""
    with pytest.raises(
        PluginError, match=r"expected it to tell \['half'\], got \['half', 'other'\]"
    ):
        attack(make_ready(Tells(more=True)), victim, images, labels)
