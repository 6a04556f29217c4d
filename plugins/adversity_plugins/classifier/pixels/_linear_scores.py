"""Linear scores in float64, and the classifier laid open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from adversity.contracts.structure import Linear

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["linear_scores", "linear_structure", "linear_tensors"]


def linear_tensors(arrays: dict[str, np.ndarray[Any, Any]], device: str) -> dict[str, Any]:
    """Return `weights` `[K, D]` and `bias` `[K]` as float64 tensors.

    Raises:
        ValueError: If their shapes do not fit.
    """
    weights, bias = arrays["weights"], arrays["bias"]
    if weights.ndim != 2 or bias.shape != (len(weights),):
        raise ValueError(f"weights {weights.shape} and bias {bias.shape} do not fit")
    return {name: torch.from_numpy(value).double().to(device) for name, value in arrays.items()}


def linear_scores(pixels: Tensor, learnt: dict[str, Any]) -> Tensor:
    """Return `[N, K]` float64 for `[N, D]`."""
    scores: Tensor = pixels.double() @ learnt["weights"].T + learnt["bias"]
    return scores


def linear_structure(learnt: dict[str, Any]) -> Linear:
    """Return the linear map as arrays."""
    return Linear(learnt["weights"].cpu().numpy(), learnt["bias"].cpu().numpy())
