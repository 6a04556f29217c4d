"""Clipping: the values of torch.clamp, and the derivative of the closed interval."""

from __future__ import annotations

import pytest
import torch

from adversity import clip


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 2.0), (0.25, 0.5)])
def test_values_are_those_of_clamp_with_and_without_a_gradient(
    dtype: torch.dtype, low: float, high: float
) -> None:
    """Finite, infinite and NaN alike, in three types."""
    draw = torch.Generator().manual_seed(0)
    values = torch.cat([4 * torch.rand(500, generator=draw) - 2, torch.tensor([low, high])])
    values = torch.cat([values, torch.tensor([torch.inf, -torch.inf, torch.nan])]).to(dtype)
    expected = values.clamp(low, high)
    traced = clip(values.clone().requires_grad_(), low, high).detach()
    for found in (clip(values, low, high), traced):
        assert found.dtype == dtype
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_both_ends_belong_to_the_interval() -> None:
    """The derivative is 1 in the interval and at its bounds, and 0 beyond them."""
    values = torch.tensor([-0.1, 0.0, 0.5, 1.0, 1.1], requires_grad=True)
    (gradient,) = torch.autograd.grad(clip(values).sum(), values)
    assert gradient.tolist() == [0, 1, 1, 1, 0]


def test_white_that_rounding_put_beyond_one_is_still_felt() -> None:
    """Seven weights of 1/7 sum to 1 but for rounding; the slope of their mean stays 1."""
    white = torch.full((1000, 7), 1.0).mul_(torch.linspace(0.9999999, 1.0000002, 1000)[:, None])
    white.requires_grad_()
    mean = clip((white * (1 / 7)).sum(1))
    (gradient,) = torch.autograd.grad(mean.sum(), white)
    assert float(mean.detach().max()) <= 1
    assert bool(((white * (1 / 7)).sum(1) > 1).any())
    torch.testing.assert_close(gradient, torch.full_like(gradient, 1 / 7))
