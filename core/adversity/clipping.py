"""Clipping whose derivative at the bounds is that of the closed interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["clip"]

ROUNDING = 8
"""So many spacings of floating-point numbers (at the larger bound) a value may lie beyond a bound
and still count as at it: weights that sum to 1 but for rounding make white 1.0000001."""


def clip(values: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return the values limited to [low, high]; the derivative is 1 in it, both ends included.

    `torch.clamp` and `torch.clip` have the derivative 0 at a bound (since torch 2.14), and so
    have ReLUs; `torch.minimum` and `torch.maximum` have a half. Many images have pixels of
    exactly 0 and 1. Behind such a function an attack never learns that moving them inwards
    changes the answer, and robust accuracy is too high. Every plugin that says
    `differentiable = True` limits its images with this function.

    Args:
        values: Floating-point, any shape.
        low: The lower bound.
        high: The upper bound.

    Returns:
        The same shape and dtype; the values are those of `torch.clamp`.

    Example:
        >>> import torch
        >>> values = torch.tensor([-0.5, 0.0, 0.5, 1.0, 1.5], requires_grad=True)
        >>> clip(values).sum().backward()
        >>> values.grad.tolist()
        [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    if not values.requires_grad:
        return values.clamp(low, high)
    import torch

    fixed = values.detach()
    clipped = fixed.clamp(low, high)
    slack = ROUNDING * torch.finfo(values.dtype).eps * max(abs(low), abs(high))
    inside = (fixed >= low - slack) & (fixed <= high + slack)
    # The difference is exactly 0; it only carries the gradient.
    return torch.where(inside, clipped + (values - fixed), clipped)
