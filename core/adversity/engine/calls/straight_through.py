"""The straight-through function of BPDA; apart from its users, since it needs torch to be defined."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["straight_through"]


class _Through(torch.autograd.Function):
    """Forward: the first argument, bit for bit. Backward: the gradient goes to the second."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, surrogate: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, gradients[0]


def straight_through(value: torch.Tensor, surrogate: torch.Tensor) -> torch.Tensor:
    """Return `value` forward and `surrogate`'s gradient backward; both of one shape."""
    answer: torch.Tensor = _Through.apply(value.detach(), surrogate)
    return answer
