"""An ONNX graph as a network of torch, for its gradients alone.

The answer stays onnxruntime's. That of the network in torch is held against it for the very
images whose gradient is asked for, each time: a converter may get an operator wrong. The gradient
is held against differences of onnxruntime's answers when the model is opened, and once near the
first images: a right answer can have a wrong gradient, as that of rounding, which is zero. Where
only a part of a model rounds, the gradient is right along itself and wrong along others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adversity.errors import InputError
from adversity_plugins.classifier.imported._answers import first_line
from adversity_plugins.classifier.imported._imported import SAME

__all__ = ["BLACK_BOX", "answer_with_gradient", "converted", "first_fault", "gradient_fault"]

OfTorch = Callable[[Tensor], Any]
OfRuntime = Callable[[Tensor], Tensor]

STEP = 1e-3
"""The change of a logit, as a share of the largest, that a step along the gradient is made for."""
NEAR = 0.2
"""By how much of that it may be another. Of five networks on photos, noise, black and white images
it was measured to be another by 0.06 of it at most."""
NOISE = 1 / 64
"""Of the range of a pixel, added to images: where many pixels are equal, as in a black border, a
step back finds another maximum than a step forth, and no gradient is that of both."""
DIRECTIONS = 8
BLOCK = 8
"""Pixels of a side of the squares that a direction changes alike: of single pixels, networks with
pooling see mostly which is the largest."""
SMALL = 1 / 8
"""A step along a direction, as a share of one along the gradient: the smaller, the righter is what
a right gradient says, and the wronger where a part of the model rounds."""
OTHER = 0.5
"""By how much of what the gradient says the answer may change otherwise along directions, as root
mean square. With steps of half and double the size it was 0.39 at most of right gradients, and 1.1
and more where half of the model rounds."""
UNSEEN = 2e-6
"""Of the largest logit: a change that float32 makes."""
BLACK_BOX = "only attacks that need no gradient are possible, such as `square` or `hop_skip_jump`"


class _Answer(torch.autograd.Function):
    """Forward: the answer of onnxruntime. Backward: to the answer of the network in torch."""

    @staticmethod
    def forward(ctx: Any, of_torch: Tensor, of_runtime: Tensor) -> Tensor:
        return of_runtime.to(of_torch).clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def converted(model: Any, device: str) -> Any:
    """Return an ONNX model as a network of torch.

    Raises:
        Exception: Whatever the converter raises for a graph that it does not know.
    """
    import warnings

    from onnx2pytorch import ConvertModel

    from adversity_plugins.classifier.imported._onnx_graph import simplified

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = ConvertModel(simplified(model))
    network.eval().requires_grad_(requires_grad=False)
    return network.to(device)


def answer_with_gradient(
    label: str, of_torch: OfTorch, of_runtime: OfRuntime, images: Tensor
) -> Tensor:
    """Return onnxruntime's answer with the gradient of the network in torch.

    Args:
        label: What messages call the classifier.
        of_torch: The converted network.
        of_runtime: The model in onnxruntime.
        images: Prepared, and requiring a gradient.

    Raises:
        InputError: If the two answers differ on these images.
    """
    exact = of_runtime(images.detach())
    answer, fault = _compared(of_torch, images, exact)
    if fault is not None:
        raise InputError(f"{label} has no gradient on your images: {fault}; {BLACK_BOX}")
    traced: Tensor = _Answer.apply(answer, exact)
    return traced


def _compared(of_torch: OfTorch, images: Tensor, exact: Tensor) -> tuple[Any, str | None]:
    """Return the answer in torch, and why it is not the exact one, or None."""
    try:
        answer = of_torch(images)
    except Exception as error:  # noqa: BLE001  (what was converted raises what it likes)
        return None, f"its graph, converted to torch, fails ({first_line(error)})"
    if not isinstance(answer, Tensor) or answer.shape != exact.shape:
        got = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        return None, f"its graph, converted to torch, gives {got} for {list(exact.shape)}"
    gap = float((answer.detach() - exact).abs().max())
    limit = SAME * max(1.0, float(exact.abs().max()))
    if gap <= limit:
        return answer, None
    return answer, (
        f"its graph, converted to torch, gives an answer that differs by {gap:.3g} from that of "
        f"onnxruntime, where {limit:.3g} is allowed"
    )


def first_fault(
    of_torch: OfTorch, of_runtime: OfRuntime, images: Tensor, span: float
) -> str | None:
    """Say why there is no gradient, as far as made-up images show it, or None.

    Args:
        of_torch: The converted network.
        of_runtime: The model in onnxruntime.
        images: Prepared, with no two pixels alike.
        span: How far 0 and 1 of an image lie from each other in them.
    """
    point = images.detach().clone().requires_grad_()
    exact = of_runtime(images)
    with torch.enable_grad():
        answer, fault = _compared(of_torch, point, exact)
        if fault is not None:
            return fault
        if not answer.requires_grad:
            return "no gradient leads through its graph, as through rounding"
        try:
            (gradient,) = torch.autograd.grad(answer.square().sum(), point)
        except Exception as error:  # noqa: BLE001  (so does its way back)
            return _no_way_back(error)
    there = (images + span / 4, images - span / 4)
    if not gradient.any() and any(not torch.equal(of_runtime(other), exact) for other in there):
        return "the gradient of its graph is zero while its answer changes, as by rounding"
    return gradient_fault(of_torch, of_runtime, images, span)[0]


def gradient_fault(
    of_torch: OfTorch, of_runtime: OfRuntime, images: Tensor, span: float
) -> tuple[str | None, bool]:
    """Say why the gradient in torch is not that of onnxruntime's answers, or None.

    The answers stand for one number, their sum with fixed weights. Each image makes a step along
    its gradient, forth and back, and the number must change as the gradient says, over all
    images together. Images without a gradient, or with one too small to tell, say nothing here.
    Then all make small steps along fixed directions.

    Args:
        of_torch: The converted network.
        of_runtime: The model in onnxruntime.
        images: Prepared.
        span: How far 0 and 1 of an image lie from each other in them.

    Returns:
        The reason or None, and whether any image has made a step along its gradient.
    """
    point = _with_noise(images, span).requires_grad_()
    try:
        with torch.enable_grad():
            answer = of_torch(point)
            weights = torch.from_numpy(np.random.default_rng(0).standard_normal(answer.shape[1]))
            weights = (weights / weights.norm()).to(answer)
            (gradient,) = torch.autograd.grad((answer @ weights).sum(), point)
    except Exception as error:  # noqa: BLE001  (what was converted raises what it likes)
        return _no_way_back(error), True
    length, largest = gradient.flatten(1).norm(dim=1), answer.detach().abs().amax(1)
    wanted = STEP * largest
    step = gradient * (wanted / length.square()).nan_to_num(0, 0, 0).view(-1, 1, 1, 1)
    there = (length > 0) & (step.abs().amax((1, 2, 3)) <= NOISE * span)
    point = point.detach()

    def change(step: Tensor) -> Tensor:
        changed: Tensor = (of_runtime(point + step) - of_runtime(point - step)) @ weights / 2
        return changed

    got, said = float(change(step)[there].sum()), float(wanted[there].sum())
    if abs(got - said) > NEAR * said:
        return _says_other(got, said), True
    return _sideways_fault(change, gradient, largest, SMALL / 4 * NOISE * span), bool(there.any())


def _sideways_fault(
    change: OfRuntime, gradient: Tensor, largest: Tensor, limit: float
) -> str | None:
    """Say that the answers change otherwise along fixed directions than gradients say, or None.

    Args:
        change: From a step of each image to half the change between forth and back, `[N]`.
        gradient: Of each image.
        largest: `[N]`, the largest logit of each.
        limit: Of the change of a pixel.
    """
    directions = _directions(gradient.shape[1:]).to(gradient)
    slopes = gradient.flatten(1) @ directions.flatten(1).T
    usual = slopes.square().mean(1).sqrt()
    sizes = (SMALL * STEP * largest / usual).nan_to_num(limit, limit).clamp(max=limit)
    said = slopes * sizes[:, None]
    got = torch.stack([change(sizes.view(-1, 1, 1, 1) * one) for one in directions], 1)
    other, all_said = float((got - said).norm()), float(said.norm())
    unseen = UNSEEN * float(largest.norm()) * DIRECTIONS**0.5
    if other <= OTHER * all_said + unseen:
        return None
    return _says_other(float(got.norm()), all_said) + f" along {DIRECTIONS} directions"


def _directions(shape: torch.Size) -> Tensor:
    """Return `[8, *shape]` of -1 and 1, the same ones each time, equal in squares of pixels."""
    few = [side if side <= 4 else -(-side // BLOCK) for side in shape]
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (DIRECTIONS, *few))
    for axis, side in enumerate(shape, 1):
        if side > 4:  # no axis of channels
            signs = signs.repeat(BLOCK, axis).take(range(side), axis)
    return torch.from_numpy(signs)


def _says_other(got: float, said: float) -> str:
    return (
        "its gradient in torch is not that of onnxruntime's answer, which changes by "
        f"{got:.3g} where the gradient says {said:.3g}"
    )


def _no_way_back(error: Exception) -> str:
    return f"the way back through its graph, converted to torch, fails ({first_line(error)})"


def _with_noise(images: Tensor, span: float) -> Tensor:
    noise = np.random.default_rng(0).uniform(-NOISE, NOISE, images.shape)
    return images.detach() + span * torch.from_numpy(noise).to(images)
