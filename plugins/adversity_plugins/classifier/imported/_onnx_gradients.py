"""An ONNX graph as a network of torch, for its gradients alone.

The answer stays onnxruntime's. That of the network in torch is held against it for the very
images whose gradient is asked for, each time: a converter may get an operator wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BLACK_BOX", "SAME", "answer_with_gradient", "converted"]

SAME = 1e-4
"""By how much of the largest logit, 1 at least, the two answers may differ."""
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
    label: str,
    of_torch: Callable[[Tensor], Any],
    of_runtime: Callable[[Tensor], Tensor],
    images: Tensor,
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
    try:
        answer = of_torch(images)
    except Exception as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(
            f"{label}: its graph, converted to torch, fails ({type(error).__name__}: {first}), so "
            f"that there is no gradient; {BLACK_BOX}"
        ) from error
    if not isinstance(answer, Tensor) or answer.shape != exact.shape:
        got = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise InputError(
            f"{label}: expected {list(exact.shape)} of its graph converted to torch, as "
            f"onnxruntime answers, got {got}; its gradients are refused: {BLACK_BOX}"
        )
    gap = float((answer.detach() - exact).abs().max())
    limit = SAME * max(1.0, float(exact.abs().max()))
    if not gap <= limit:
        raise InputError(
            f"{label}: expected the answer of onnxruntime from its graph converted to torch, got "
            f"one that differs by {gap:.3g} on your images, where {limit:.3g} is allowed; its "
            f"gradients are refused: {BLACK_BOX}"
        )
    traced: Tensor = _Answer.apply(answer, exact)
    return traced
