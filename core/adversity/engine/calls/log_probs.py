"""Probabilities as logits: their logarithm, finite, and what stands in for its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["log_of", "log_probs"]


def log_of(probs: Tensor) -> Tensor:
    """Return log p, with the smallest float32 in the place of 0 so that it is finite."""
    import torch

    return probs.clamp_min(torch.finfo(torch.float32).tiny).log()


def log_probs(probs: Tensor, incoming: Tensor) -> Tensor:
    """Return log p, finite; rows with a probability of 0 pass the incoming values' gradient."""
    import torch

    from adversity.engine.calls.straight_through import straight_through

    tiny = torch.finfo(torch.float32).tiny
    if bool((probs > tiny).all()):
        return probs.log()
    flat = (probs <= tiny).any(1, keepdim=True)
    value = log_of(probs)
    return torch.where(flat, straight_through(value, incoming), value)
