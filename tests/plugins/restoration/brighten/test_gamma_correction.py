"""Gamma correction against scikit-image and its own convention."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from skimage.exposure import adjust_gamma
from torch import Tensor

from adversity_plugins.restoration.brighten.gamma_correction import GammaCorrection


@pytest.mark.parametrize("gamma", [0.3, 0.4, 1.0, 2.2])
def test_equals_skimage(gamma: float, dark: Tensor) -> None:
    """out = in ** gamma, as skimage.exposure.adjust_gamma says it.

    Tolerance: float32 powers against float64.
    """
    restored = GammaCorrection(gamma=gamma).restore(dark)
    expected = adjust_gamma(dark.double().numpy(), gamma)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(restored.numpy(), expected, atol=1e-6)


def test_smaller_than_one_brightens_and_the_ends_stay() -> None:
    """0.25 ** 0.5 is 0.5, 0.25 ** 2 is 0.0625; black and white do not move."""
    images = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    assert GammaCorrection(gamma=0.5).restore(images).flatten().tolist() == [0.0, 0.5, 1.0]
    assert GammaCorrection(gamma=2.0).restore(images).flatten().tolist() == [0.0, 0.0625, 1.0]


def test_gamma_and_its_inverse_undo_each_other(photos: Tensor) -> None:
    """gamma then 1 / gamma is the identity.

    Tolerance: float32; the second power stretches errors near black, hence 1e-5.
    """
    there = GammaCorrection(gamma=2.5).restore(photos)
    torch.testing.assert_close(GammaCorrection(gamma=0.4).restore(there), photos, atol=1e-5, rtol=0)


def test_the_slope_is_the_powers_and_finite_at_black() -> None:
    """d in^g / d in = g in^(g-1) from 1e-4 up, and its value at 1e-4 below."""
    values = torch.tensor([0.0, 1e-5, 1e-4, 0.04, 1.0], dtype=torch.float64)
    images = values.view(1, 1, 1, 5).requires_grad_()
    (slope,) = torch.autograd.grad(GammaCorrection(gamma=0.5).restore(images).sum(), images)
    # 0.5 / sqrt(in): 50 at 1e-4, 2.5 at 0.04, 0.5 at 1.
    torch.testing.assert_close(
        slope.flatten(), torch.tensor([50.0, 50.0, 50.0, 2.5, 0.5], dtype=torch.float64)
    )


@pytest.mark.parametrize("gamma", [0, -1, 11, float("nan")])
def test_refuses_an_exponent_that_is_none(gamma: float) -> None:
    """Gamma is a positive number of sensible size."""
    with pytest.raises(ValidationError, match="gamma"):
        GammaCorrection(gamma=gamma)
