"""Binomial weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from acme_kernels.kernel import Kernel

if TYPE_CHECKING:
    from torch import Tensor


class Binomial(Kernel):
    """Binomial coefficients, nearly a Gaussian."""

    name: ClassVar[str] = "binomial"
    licence: ClassVar[str] = "MIT"
    size: Literal[3, 5, 7] = 3

    def weights(self) -> Tensor:
        """Return the row of Pascal's triangle, divided by its sum."""
        import torch

        row = [math.comb(self.size - 1, k) for k in range(self.size)]
        return torch.tensor(row, dtype=torch.float32) / 2 ** (self.size - 1)
