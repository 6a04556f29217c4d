"""The weights of a linear last layer, found by asking it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["AskedLayer", "asked_layer"]

_AT_ONCE = 512
_LINEAR = 1e-3
"""By how much a logit may differ from a linear function of the features, as a share of what its
terms sum to at most: float32 is off by a millionth or so, a softmax by far more."""


@dataclass(frozen=True, slots=True)
class AskedLayer:
    """A linear layer from features to logits.

    Attributes:
        weight: `[D, K]` float64.
        bias: `[K]` float64.
    """

    weight: Tensor
    bias: Tensor

    def require_linear(self, features: Tensor, logits: Tensor, name: str) -> None:
        """Refuse answers `[N, K]` of the layer that are not what it makes of features `[N, D]`, float64.

        Raises:
            DataError: With how far they are off.
        """
        off = (features @ self.weight + self.bias - logits).abs()
        terms = features.abs() @ self.weight.abs() + self.bias.abs()
        if bool((off > _LINEAR * terms.clamp(min=1)).any()):
            raise DataError(
                f"{name} expects logits that a linear last layer makes of the features, got some "
                f"that are {float(off.max()):.3g} off: use it on a network that ends in a linear "
                "layer and gives logits, or take knn"
            )


def asked_layer(head: Callable[[Tensor], Tensor], like: Tensor) -> AskedLayer:
    """Find the layer: its answer to zeros is the bias, to one feature of 1 a row of weights beside.

    Args:
        head: From features `[N, D]` float32 to logits `[N, K]`.
        like: Features `[N, D]`, for their width and device.
    """
    width = like.shape[1]
    zeros = torch.zeros(1, width, device=like.device)
    bias = head(zeros).detach().double()
    rows = []
    for start in range(0, width, _AT_ONCE):
        count = min(_AT_ONCE, width - start)
        units = zeros.repeat(count, 1)
        units[torch.arange(count), start + torch.arange(count)] = 1
        rows.append(head(units).detach().double() - bias)
    return AskedLayer(torch.cat(rows), bias[0])
