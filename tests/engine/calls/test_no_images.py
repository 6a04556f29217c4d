"""A target and an attack that are given no images."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import PostHoc
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import DataError


class Half(PostHoc):
    """Halve the logits."""

    name: ClassVar[str] = "half"

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        return (0.5 * logits).softmax(1)


@pytest.fixture(params=["net", "calibrated"])
def nobody(request: Any, plugins: dict[str, Any], make_ready: Any) -> ChainTarget:
    """A chain for no samples, behind a calibrator or not."""
    links = [Link("halve", plugins["halve"]), Link("net", plugins["net"])]
    if request.param == "calibrated":
        links.append(Link("half", make_ready(Half())))
    return ChainTarget(links, ids=())


def test_no_images_get_no_answers(nobody: ChainTarget, images: torch.Tensor) -> None:
    """Every question is answered with nothing of the right shape, and nothing is counted."""
    none = images[:0]
    assert nobody.logits(none).shape == (0, 4)
    assert nobody.decisions(none).shape == nobody.answer(none).predicted.shape == (0,)
    answer = nobody.answer(none)
    assert answer.values.shape == answer.decision.shape == (0, 4)
    assert (answer.probs is None) is (len(nobody.links) == 2)
    point = none.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nobody.logits(point).sum(), point)
    assert gradient.shape == point.shape
    assert int(nobody.counts.queries.sum()) == 0
    assert nobody.rows([]).answer(none).predicted.shape == (0,)


@pytest.mark.parametrize("name", ["pgd", "square", "random_noise"])
def test_an_attack_on_nobody_changes_nothing(
    name: str, nobody: ChainTarget, images: torch.Tensor
) -> None:
    """Inside the engine an empty batch is no fault: the result is empty, its shares are 0."""
    ready = adversity.create("attack", name, eps=0.1).ready
    found = attack(ready, nobody, images[:0], torch.zeros(0, dtype=torch.int64))
    assert found.images.shape == (0, 3, 6, 6)
    assert len(found.success) == len(found.norms) == len(found.queries) == 0
    assert set(found.flags.values()) == {0.0}


def test_from_python_an_empty_batch_is_refused(images: torch.Tensor) -> None:
    """It is a mistake there, and the message says so; a bare network says nothing of its classes."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 4))
    victim = adversity.target(network)
    assert victim.bind(()).answer(images[:0]).predicted.shape == (0,)
    noise = adversity.create("attack", "random_noise", eps=0.1)
    with pytest.raises(DataError, match=r"at least one image, got none: \[0, 3, 6, 6\]"):
        noise(victim, images[:0], torch.zeros(0, dtype=torch.int64))
