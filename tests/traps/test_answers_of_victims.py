"""Probabilities, few classes and numbers that are none: no victim looks robust by its arithmetic."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import PostHoc
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import AdversityError, InputError, ParameterError

EPS = 8 / 255
SURE = 60.0
"""Times the logits: their softmax is 0 and 1 to the last bit of float32."""


class Sharp(PostHoc):
    """A calibrator that makes the answer very sure: next to all its probabilities are 0 or 1."""

    name: ClassVar[str] = "sharp"

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        return (SURE * logits).softmax(1)


class Softmax(torch.nn.Module):
    """The same network and calibrator as one, which is taken for one that gives logits."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        probs: torch.Tensor = (SURE * self.network(images)).softmax(1)
        return probs


def _standing(victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor) -> tuple[int, float]:
    """Return how many withstand PGD, and the share with no gradient."""
    pgd = adversity.create("attack", "pgd", eps=EPS, steps=5, random_start=False).ready
    result = attack(pgd, victim, images, labels)
    return int((~result.success).sum()), result.flags["zero_gradient"]


def test_3_18_probabilities_are_attacked_as_what_they_are(
    network: Any, images: torch.Tensor, labels: torch.Tensor, ready: Any
) -> None:
    """Behind a calibrator they cost the attack nothing; taken for logits they hide the gradient.

    The twin, a network that ends in a softmax and is called as one without, keeps more standing,
    and the flag for gradients of zero is up.
    """
    ids = [str(row) for row in range(len(images))]
    bare = adversity.target(network)
    plain, _ = _standing(bare.bind(ids), images, labels)
    chain = ChainTarget([*bare.links, Link("sharp", ready(Sharp()))], ids=ids)
    calibrated, unflagged = _standing(chain, images, labels)
    assert (calibrated, unflagged) == (plain, 0.0)
    twin = adversity.target(Softmax(network)).bind(ids)
    hidden, flagged = _standing(twin, images, labels)
    assert hidden > plain + 4
    assert flagged > 0.5


class _Answers(torch.nn.Module):
    """Two numbers for each image, made from its mean and no more."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.flatten(1).mean(1)
        other = {"softmax": 1 - mean, "reference class": 0 * mean, "margin": -mean}[self.how]
        return torch.stack([mean, other], 1)


def test_3_18_probabilities_in_disguise_are_flagged(
    network: Any, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """Rows that are never below 0 and sum to 1 are no logits; logits are not taken for them.

    With two classes logits come nearest to it: one of them at 0, the other anywhere. The sum of
    the means of noise images is far from 1.
    """
    fgsm = adversity.create("attack", "fgsm", eps=EPS)
    for victim, flag in ((network, 0.0), (Softmax(network), 1.0)):
        found = fgsm(adversity.target(victim), images, labels)
        assert found.flags["probability_output"] == flag
        assert found.probability_output.float().mean() == flag
    for how, flag in (("softmax", 1.0), ("reference class", 0.0), ("margin", 0.0)):
        answers = _Answers(how)
        found = fgsm(adversity.target(answers), images, answers(images).argmax(1))
        assert found.flags["probability_output"] == flag, how
    network_and_softmax = torch.nn.Sequential(network, torch.nn.LogSoftmax(1))
    found = fgsm(adversity.target(network_and_softmax), images, labels)
    assert found.flags["probability_output"] == 0.0


@pytest.mark.parametrize(
    ("classes", "works"),
    [(2, {"ce", "margin"}), (3, {"ce", "margin", "dlr"}), (4, {"ce", "margin", "dlr"})],
)
def test_3_18_a_loss_that_the_classes_do_not_allow_is_refused(
    images: torch.Tensor, classes: int, works: set[str]
) -> None:
    """The ratio needs three classes; whatever has too few is told so and not attacked in vain."""
    generator = torch.Generator().manual_seed(2)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, classes))
    with torch.no_grad():
        net[1].weight.copy_(torch.randn(classes, 192, generator=generator))
    victim = adversity.target(net)
    labels = victim.bind([str(row) for row in range(len(images))]).answer(images).predicted
    done = set()
    for loss in ("ce", "margin", "dlr"):
        apgd = adversity.create("attack", "apgd", eps=EPS, steps=3, loss=loss)
        try:
            apgd(victim, images, labels)
        except AdversityError as error:
            assert "classes" in str(error)  # noqa: PT017  (the refusal's words)
        else:
            done.add(loss)
    assert done == works


class BreaksDown(torch.nn.Module):
    """Gives NaN for every image but the clean ones."""

    def __init__(self, network: torch.nn.Module, images: torch.Tensor) -> None:
        super().__init__()
        self.network, self.images = network, images

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        known = (images[:, None] == self.images[None]).flatten(2).all(2).any(1)
        logits: torch.Tensor = self.network(images)
        return torch.where(known[:, None], logits, torch.nan)


def test_3_19_nan_is_an_error_and_no_success(
    network: Any, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The run ends with the victim's name; the twin compares the arg-max of NaN and counts 24."""
    victim = BreaksDown(network, images)
    noise = adversity.create("attack", "random_noise", eps=EPS)
    with pytest.raises(InputError, match=r"NaN.*BreaksDown|BreaksDown.*NaN"):
        noise(adversity.target(victim), images, labels)
    pgd = adversity.create("attack", "pgd", eps=EPS, steps=2)
    with pytest.raises(InputError, match="NaN"):
        pgd(adversity.target(victim), images, labels)
    naive = victim((images + EPS / 2).clamp(0, 1)).argmax(1) != labels
    assert int(naive.sum()) > 12


class Offset(torch.nn.Module):
    """Adds a large number to every logit, which changes no answer."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images).double() + 2.0**20
        return logits.float()


def test_3_19_a_large_offset_of_the_logits_protects_nobody(
    network: Any, images: torch.Tensor
) -> None:
    """A million more in every logit: as few stand, to what float32 leaves of the logits.

    The twin takes the logarithm of exponentials that were not shifted: it has no number at all.
    """
    ids = [str(row) for row in range(len(images))]
    offset = adversity.target(Offset(network)).bind(ids)
    truth = offset.answer(images).predicted
    shifted, _ = _standing(offset, images, truth)
    plain, _ = _standing(adversity.target(network).bind(ids), images, truth)
    assert abs(shifted - plain) <= 2

    point = images.clone().requires_grad_()
    logits = Offset(network)(point)
    naive = logits.exp().sum(1).log() - logits.gather(1, truth[:, None])[:, 0]
    (slope,) = torch.autograd.grad(naive.sum(), point)
    assert not bool(slope.isfinite().any())


def test_3_20_an_attack_that_cannot_aim_says_so() -> None:
    """Every built-in attack either has the parameter or refuses it by name: none runs untargeted."""
    from adversity.registry import discover

    aiming = set()
    for entry in discover().entries("attack"):
        if entry.distribution != "adversity":
            continue
        if "targeted" in entry.cls.model_fields:
            aiming.add(entry.name)
            continue
        needed = {"eps": 0.1} if "eps" in entry.cls.model_fields else {}
        with pytest.raises(ParameterError, match="targeted"):
            adversity.create("attack", entry.name, targeted=True, **needed)
    assert {"pgd", "apgd", "carlini_wagner", "square"} <= aiming
