"""Who counts as robust: truth and not the victim's word, each image once, the worst of all attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

import adversity
from adversity import Attack, AttackInRounds
from adversity.engine.attack.attacking import attack
from adversity.engine.attack.perturbing import perturb
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

WRONG = slice(0, 8)
EPS = 2 / 255


@pytest.fixture
def truth(network: Any, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """True classes: a third of the images is wrong, its class the runner-up."""
    found = labels.clone()
    found[WRONG] = network(images[WRONG]).topk(2).indices[:, 1]
    return found


def test_3_8_robust_accuracy_is_counted_against_the_truth(
    network: Any, images: torch.Tensor, labels: torch.Tensor, truth: torch.Tensor
) -> None:
    """Attacked away from its own answers the victim looks better: wrong images become right."""
    pgd, victim = adversity.create("attack", "pgd", eps=EPS, random_start=False), network
    result = pgd(adversity.target(victim), images, truth)
    ours = (result.start == truth) & ~result.success
    assert 0 < int(ours.sum()) < 16
    assert not bool(ours[WRONG].any())

    own = pgd(adversity.target(victim), images, labels)
    twin = own.prediction == truth
    assert int(twin[WRONG].sum()) > 0
    assert int(twin.sum()) > int(ours.sum())


class Fussy(Attack):
    """Cannot bear an image that is wrong from the start, and turns every image over."""

    name: ClassVar[str] = "fussy"
    norm: Any = "linf"
    eps: float = 1.0

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        if bool((target.decisions(images) != labels).any()):
            raise IndexError("there is nothing left to attack")
        return 1 - images


def test_3_10_what_is_wrong_already_is_left_alone(
    network: Any, images: torch.Tensor, truth: torch.Tensor, ready: Any
) -> None:
    """Untouched, not robust, no success, at distance 0 and at no cost; also where all are wrong."""
    ids = [str(row) for row in range(len(images))]
    victim = adversity.target(network)
    result = attack(ready(Fussy()), victim.bind(ids), images, truth)
    assert torch.equal(result.images[WRONG], images[WRONG])
    assert not bool(result.success[WRONG].any())
    assert not bool(result.norms[WRONG].any())
    assert float(result.norms[WRONG.stop :].min()) > 0
    none = attack(ready(Fussy()), victim.bind(ids), images, (result.start + 1) % 10)
    assert torch.equal(none.images, images)
    assert not bool(none.success.any())
    # The twin hands every image to the attack.
    with pytest.raises(PluginError, match="nothing left to attack"):
        perturb(ready(Fussy()), victim.bind(ids), images, truth, seed=0, step="attack")


class Part(Attack):
    """Turn over the images whose first value lies in one half."""

    name: ClassVar[str] = "part"
    norm: Any = "linf"
    eps: float = 1.0
    low: bool
    median: float

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        mine = (images[:, 0, 0, 0] < self.median) == self.low
        return torch.where(mine[:, None, None, None], 1 - images, images)


class Several(AttackInRounds):
    """Several attacks, one after the other."""

    name: ClassVar[str] = "several"
    norm: Any = "linf"
    eps: float = 1.0
    parts: tuple[Any, ...]

    def rounds(self) -> Mapping[str, Attack]:
        return {f"part {part.low}": part for part in self.parts}


def test_3_11_the_worst_of_all_attacks_counts_for_each_image(
    network: Any, images: torch.Tensor, labels: torch.Tensor, ready: Any
) -> None:
    """Two attacks that have a half each leave next to nobody; their mean leaves half of all."""
    ids = [str(row) for row in range(len(images))]

    median = float(images[:, 0, 0, 0].median())

    def standing(*low: bool) -> torch.Tensor:
        several = ready(Several(parts=tuple(Part(low=half, median=median) for half in low)))
        return ~attack(several, adversity.target(network).bind(ids), images, labels).success

    one, other, both = standing(False), standing(True), standing(False, True)
    assert torch.equal(both, one & other)
    assert int(both.sum()) < min(int(one.sum()), int(other.sum()))
    mean = (one.double().mean() + other.double().mean()) / 2
    assert float(mean) > float(both.double().mean()) + 0.3


class Twice(Attack):
    """The nearest failure, looked for by a leap to the other end of the box."""

    name: ClassVar[str] = "twice"
    threat: ClassVar[Any] = "minimum"
    norm: Any = "l2"
    eps: float | None = None

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return 1 - images


def test_3_25_a_failure_out_of_reach_is_no_success(
    network: Any, images: torch.Tensor, labels: torch.Tensor, ready: Any, monkeypatch: Any
) -> None:
    """With eps at the median distance half of the failures count; the twin counts all of them."""
    ids = [str(row) for row in range(len(images))]
    victim = adversity.target(network)
    anywhere = attack(ready(Twice()), victim.bind(ids), images, labels)
    eps = float(anywhere.norms[anywhere.success].median())
    near = attack(ready(Twice(eps=eps)), victim.bind(ids), images, labels)
    assert torch.equal(near.success, anywhere.success & (anywhere.norms <= eps * (1 + 1e-6)))
    assert 0 < int(near.success.sum()) < int(anywhere.success.sum())

    threat = type(Twice(eps=eps).threat_model)
    monkeypatch.setattr(threat, "admits", lambda self, sizes: sizes >= 0)
    twin = attack(ready(Twice(eps=eps)), victim.bind(ids), images, labels)
    assert torch.equal(twin.success, anywhere.success)
    assert float(twin.norms[twin.success].max()) > eps
