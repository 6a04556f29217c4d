"""Starts belong to samples and are used; restarts keep the best that each sample had."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity.engine.attack.attacking import attack
from adversity_plugins.attack.gradient.pgd import PGD

SMALL = 1e-5
"""A step so short that what an image was moved by is its start."""


class ForgetsTheStart(PGD):
    """Draws a start and goes from the image all the same (torchattacks#83)."""

    name: ClassVar[str] = "forgets_the_start"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        rng.uniform(tuple(images.shape[1:]))
        other = self.model_copy(update={"random_start": False})
        return super(ForgetsTheStart, other).perturb(target, images, labels, rng)


class KeepsTheLast(PGD):
    """Keeps what the last restart found, whatever the others had."""

    name: ClassVar[str] = "keeps_the_last"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        once = self.model_copy(update={"restarts": 1})
        return super(KeepsTheLast, once).perturb(
            target, images, labels, rng.child(("last", self.restarts))
        )


class PlaceInTheBatch(PGD):
    """Draws the start of the sample that is first for the first row, and so on."""

    name: ClassVar[str] = "place_in_the_batch"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        drawn = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
        moved = (images + self.eps * (2 * drawn - 1)).clamp(0, 1)
        return torch.maximum(torch.minimum(moved, images + self.eps), images - self.eps)


def _attacked(ready: Any, network: Any, images: Any, labels: Any, order: Any = None) -> Any:
    index = torch.arange(len(images)) if order is None else order
    victim = adversity.target(network).bind([f"sample-{i}" for i in index.tolist()])
    return attack(ready, victim, images[index], labels[index], seed=3)


@pytest.mark.parametrize(("cls", "used"), [(PGD, True), (ForgetsTheStart, False)])
def test_3_23_the_random_start_is_where_the_climb_begins(
    network: Any, images: Any, labels: Any, ready: Any, cls: type[PGD], used: bool
) -> None:
    """After three tiny steps an image is nearly as far away as eps; the twin has hardly moved."""
    result = _attacked(ready(cls(eps=0.03, steps=3, step_size=SMALL)), network, images, labels)
    assert bool((result.norms > 0.02).all()) is used


@pytest.mark.parametrize(("cls", "keeps"), [(PGD, True), (KeepsTheLast, False)])
def test_3_23_more_restarts_lose_nobody(
    network: Any, images: Any, labels: Any, ready: Any, cls: type[PGD], keeps: bool
) -> None:
    """Whoever falls in one, two or three restarts falls in the next number too; not so the twin."""
    fallen = [
        _attacked(
            ready(cls(eps=0.03, steps=1, step_size=0.004, restarts=n)), network, images, labels
        ).success
        for n in range(1, 7)
    ]
    kept = all(bool((more | ~fewer).all()) for fewer, more in pairwise(fallen))
    assert kept is keeps


@pytest.mark.parametrize(("cls", "own"), [(PGD, True), (PlaceInTheBatch, False)])
def test_3_4_a_start_belongs_to_the_sample(
    network: Any, images: Any, labels: Any, ready: Any, cls: type[PGD], own: bool
) -> None:
    """Turned round, the same samples get the same bytes; the twin's go by the place in the batch."""
    call = ready(cls(eps=0.03, steps=3))
    order = torch.arange(len(images) - 1, -1, -1)
    forwards = _attacked(call, network, images, labels).images
    backwards = _attacked(call, network, images, labels, order).images
    assert torch.equal(forwards[order], backwards) is own


def test_3_22_one_step_of_two_plugins_with_one_specification(
    network: Any, images: Any, labels: Any, ready: Any
) -> None:
    """FGSM is PGD in one step of length eps from the image itself, bit for bit; a default is not."""
    fgsm = adversity.create("attack", "fgsm", eps=0.03).ready
    expected = _attacked(fgsm, network, images, labels).images
    one = PGD(eps=0.03, steps=1, step_size=0.03, random_start=False)
    assert torch.equal(_attacked(ready(one), network, images, labels).images, expected)
    # The twin leaves the conventions to the library.
    twin = PGD(eps=0.03, steps=1)
    assert not torch.equal(_attacked(ready(twin), network, images, labels).images, expected)
