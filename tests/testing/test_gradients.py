"""Gradients are compared with differences, and networks come back as they were."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from adversity.testing.common.gradients import disagreement


class Scaled(nn.Module):
    """Multiplies by a weight and a buffer; the buffer may be of another type, or not stored."""

    def __init__(self, dtype: torch.dtype, *, persistent: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("third", torch.tensor(1 / 3, dtype=dtype), persistent=persistent)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.detach() * self.weight * self.third.to(values)  # its gradient is lost


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("persistent", [True, False])
def test_networks_are_as_they_were(dtype: torch.dtype, persistent: bool) -> None:
    """Trying in float64 changes no type and no bit of a network, stored or not."""
    network = Scaled(dtype, persistent=persistent)
    before = network.third.clone()
    gap, _, _ = disagreement(network, torch.full((2, 3), 0.5), networks=[network])
    assert gap > 0.5, "every attempt, the one in float64 among them, was made"
    assert network.third.dtype == dtype
    assert torch.equal(network.third, before)
    assert network.weight.dtype == torch.float32


def test_what_does_not_change_has_no_slope() -> None:
    """Where all quotients are nought, no gradient agrees with them."""
    gap, exact, tried = disagreement(lambda values: 0 * values + 1, torch.full((2, 3), 0.5))
    assert (gap, exact, tried) == (float("inf"), 0, 0)
