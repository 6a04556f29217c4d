"""Where values lie in memory changes no answer: kernels for other layouts round otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

import adversity
from adversity import Attack, Classifier, Degradation, Restoration
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.engine.public.create import ClassifierCall, DegradationCall, RestorationCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def dense(images: Tensor) -> Tensor:
    """Return images that are laid out row by row; another layout is an error."""
    assert images.is_contiguous()
    return images


class Noticing(Degradation):
    """Leaves images as they are."""

    name: ClassVar[str] = "noticing"
    block_rows: ClassVar[int] = 2

    def degrade(self, images: Tensor, rng: Any) -> Tensor:
        return dense(images) * 0.5


class ChannelsLast(Restoration):
    """Answers with channels last in memory."""

    name: ClassVar[str] = "channels_last"
    differentiable: ClassVar[bool] = True
    block_rows: ClassVar[int] = 2

    def restore(self, images: Tensor, **needs: Any) -> Tensor:
        last = dense(images).contiguous(memory_format=torch.channels_last)
        return last * 0.5


class ByView(Classifier):
    """Sums each channel; `view` is an error for channels last."""

    name: ClassVar[str] = "by_view"
    block_rows: ClassVar[int] = 2
    class_names: ClassVar[Any] = ("red", "green", "blue")

    def logits(self, images: Tensor) -> Tensor:
        return dense(images).view(len(images), 3, -1).sum(-1)


class Down(Attack):
    """Takes a tenth of the gradient's sign, through one gradient."""

    name: ClassVar[str] = "down"
    threat: ClassVar[Any] = "norm"
    norm: str = "linf"
    eps: float = 0.1

    def perturb(self, target: Any, images: Tensor, labels: Tensor, rng: Any) -> Tensor:
        x = dense(images).clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(target.logits(x).gather(1, labels[:, None]).sum(), x)
        return (images - self.eps * gradient.sign()).clamp(0, 1)


def layouts() -> dict[str, Callable[[Tensor], Tensor]]:
    """Name the layouts that images come in."""
    return {
        "channels last": lambda images: images.contiguous(memory_format=torch.channels_last),
        "with gaps": lambda images: torch.stack([images, images], -1)[..., 0],
        "from H x W x C": lambda images: (
            images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        ),
    }


@pytest.mark.parametrize("layout", layouts())
def test_every_kind_gets_dense_blocks(layout: str) -> None:
    """Degradation, restoration, classifier and a gradient attack through both answer alike."""
    images = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(3))
    other = layouts()[layout](images)
    assert not other.is_contiguous()

    def ready(plugin: Any) -> Ready:
        return Ready(plugin, plugin.name)

    worse = DegradationCall(ready(Noticing()))
    assert torch.equal(worse(other), worse(images))
    better = RestorationCall(ready(ChannelsLast()))
    assert torch.equal(better(other), better(images))
    labels = images.mean((2, 3)).argmax(1)
    classify = ClassifierCall(ready(ByView()))
    assert torch.equal(classify(other), classify(images))
    victim = adversity.target(better, classify)
    attack = AttackCall(ready(Down()))
    found, same = attack(victim, other, labels), attack(victim, images, labels)
    assert torch.equal(found.images, same.images)
    assert bool((found.norms > 0).all())
