"""Probabilities as logits: their logarithm, finite, and what stands in for its gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["floored", "log_of", "log_probs"]


def log_of(probs: Tensor) -> Tensor:
    """Return log p, with the smallest float32 in the place of 0 so that it is finite."""
    import torch

    return probs.clamp_min(torch.finfo(torch.float32).tiny).log()


def floored(logs: Tensor) -> Tensor:
    """Return log p as `log_of` gives it, not below the smallest float32's; the gradient passes."""
    import torch

    from adversity.engine.calls.straight_through import straight_through

    lowest = math.log(torch.finfo(torch.float32).tiny)
    return logs if bool((logs >= lowest).all()) else straight_through(logs.clamp_min(lowest), logs)


def log_probs(probs: Tensor, incoming: Tensor, *, exact: bool = False) -> Tensor:
    """Return log p, finite; rows with a probability of 0 pass the incoming values' gradient.

    Args:
        probs: `[N, K]`.
        incoming: `[N, K]`, what they were made of.
        exact: They are float64, and 0 is what float64 has rounded to it.
    """
    import torch

    from adversity.engine.calls.straight_through import straight_through

    tiny = torch.finfo(torch.float64 if exact else torch.float32).tiny
    if bool((probs > tiny).all()):
        return probs.log()
    flat = (probs <= tiny).any(1, keepdim=True)
    value = probs.clamp_min(tiny).log()
    return torch.where(flat, straight_through(value, incoming), value)
