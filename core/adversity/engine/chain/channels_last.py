"""Hand a bare network its images in the layout in which convolutions on a CPU are quickest.

The values are the same and their strides are not: convolutions and pooling then need not turn
every tensor from one layout into another. It changes the last bits of an answer, as the rows of
a block do; so nothing but the network and the images' shape may decide, never the images and
never a clock.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from adversity.engine.calls.ready import BREAKS
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["accepts_channels_last", "channels_last"]

ROWS = 2
"""Made-up images of the trial."""
SAME = 1e-5
"""By how much, of the largest value, the answers of the two layouts may differ: float32 sums in
another order were measured to differ by 3e-7."""


class _Turned(torch.autograd.Function):
    """Forward: the same values, channels innermost. Backward: the usual layout again."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        _, channels, height, width = images.shape
        # Not `contiguous(memory_format=...)`, which leaves images of one channel as they are.
        strides = (channels * height * width, 1, width * channels, channels)
        turned = torch.empty_strided(images.shape, strides, dtype=images.dtype)
        return turned.copy_(images)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0].contiguous()


def channels_last(images: Tensor) -> Tensor:
    """Return images `[N, C, H, W]` with channels innermost; their gradient is laid out as usual."""
    turned: Tensor = _Turned.apply(images)
    return turned


def accepts_channels_last(
    module: nn.Module, images: Tensor, read: Callable[[Any], Tensor] = lambda answer: answer
) -> bool:
    """Return whether a network gives the same answer and gradient in this layout.

    Only networks with a convolution gain from it. A copy of the network is tried on made-up
    images: a network that calls `view` on such a tensor, say, raises an error. The network
    itself is not called.

    Args:
        module: From `[N, C, H, W]` to `[N, K]`.
        images: `[N, C, H, W]`; only their shape, dtype and device matter.
        read: Takes the logits out of what the network returns.
    """
    if images.device.type != "cpu" or images.dtype != torch.float32 or images.ndim != 4:
        return False
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()):
        return False
    made_up = torch.rand((ROWS, *images.shape[1:]), generator=torch.Generator().manual_seed(0))
    try:
        with preserve_global_rng():
            tried = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
            usual = _answer_and_gradient(tried, read, made_up, turn=False)
            turned = _answer_and_gradient(tried, read, made_up, turn=True)
    except BREAKS:
        return False  # what is wrong with the network itself, the real call will say
    return all(_same(*pair) for pair in zip(usual, turned, strict=True))


def _answer_and_gradient(
    module: nn.Module, read: Callable[[Any], Tensor], images: Tensor, *, turn: bool
) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        point = images.clone().requires_grad_()
        answer = read(module(channels_last(point) if turn else point))
        (gradient,) = torch.autograd.grad(answer.square().sum(), point)
    return answer.detach(), gradient


def _same(usual: Tensor, turned: Tensor) -> bool:
    """Return whether two tensors are the same but for rounding; NaN is not."""
    return bool((usual - turned).abs().max() <= SAME * usual.abs().max())
