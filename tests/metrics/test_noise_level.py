"""The noise estimate against known noise."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from skimage import data
from torch import Tensor

from adversity.errors import DataError
from adversity.metrics.noise_level import _DB2, noise_level


@pytest.fixture
def photos() -> Tensor:
    """Three real colour photos of 64x48, `[3, 3, 48, 64]`."""
    images = (data.astronaut(), data.coffee(), data.chelsea())
    return torch.stack(
        [torch.from_numpy(p[20:212:4, 60:316:4] / 255.0).permute(2, 0, 1).float() for p in images]
    )


def test_the_filter_is_daubechies_with_two_vanishing_moments() -> None:
    """Norm 1, blind to constants and ramps, orthogonal to its own shift by 2.

    These four equations determine the filter up to sign and direction (Daubechies, "Ten
    lectures on wavelets", 1992).
    """
    taps = torch.tensor(_DB2, dtype=torch.float64)
    assert float(taps.square().sum()) == pytest.approx(1)
    assert float(taps.sum()) == pytest.approx(0, abs=1e-12)
    assert float((taps * torch.arange(4)).sum()) == pytest.approx(0, abs=1e-12)
    assert float((taps[:2] * taps[2:]).sum()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_finds_the_sigma_of_pure_noise(channels: int) -> None:
    """On a grey card the estimate is right within 4 standard errors, each image its own.

    The scaled median of n absolute normals has the standard error 1.17 sigma / sqrt(n);
    orthonormal coefficients of white noise are independent, and 200x200 pixels give 99x99.
    """
    generator = torch.Generator().manual_seed(0)
    truth = torch.tensor([0.01, 0.1])
    noise = torch.randn(2, channels, 200, 200, generator=generator)
    estimated = noise_level(0.5 + truth.view(2, 1, 1, 1) * noise)
    error = 1.17 * truth / (channels * 99 * 99) ** 0.5
    assert ((estimated - truth).abs() < 4 * error).all()


def test_scene_adds_to_the_estimate_but_noise_rules_it(photos: Tensor) -> None:
    """On small, textured photos sigma 0.1 is found within 40 %, and more noise gives more."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(photos.shape, generator=generator)
    found = torch.stack([noise_level(photos + s * noise) for s in (0.0, 0.1, 0.2)])
    assert (found.diff(dim=0) > 0).all()
    assert ((found[1] > 0.09) & (found[1] < 0.14)).all()


def test_a_flat_image_has_no_noise() -> None:
    """Zero, not NaN, for a synthetic image; a ramp counts as flat."""
    ramp = torch.linspace(0, 1, 20).expand(1, 3, 20, 20)
    flat = torch.full((1, 3, 20, 20), 0.3)
    assert noise_level(flat).tolist() == [0.0]
    assert float(noise_level(ramp)) < 1e-6


def test_an_image_smaller_than_the_filter_is_refused() -> None:
    """The message says what is too small and which parameter to give."""
    with pytest.raises(
        DataError, match=r"at least 4x4 pixels.*got 3x8; give a restoration the parameter sigma"
    ):
        noise_level(torch.zeros(1, 3, 3, 8))
    assert noise_level(torch.zeros(1, 1, 4, 4)).tolist() == [0.0]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.full((1, 3, 8, 8), math.nan), "finite images to estimate the noise from, got NaN"),
        (torch.full((1, 3, 8, 8), math.inf), "got NaN or infinity"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"got torch.uint8: write images.float\(\)"),
        (torch.zeros(3, 8, 8), r"batch of images \[N, C, H, W\], got \[3, 8, 8\]"),
        (torch.zeros(0, 3, 8, 8), r"got \[0, 3, 8, 8\]"),
        ([[0.0]], "a tensor .* got list"),
    ],
)
def test_what_has_no_noise_level_is_refused(images: Any, message: str) -> None:
    """NaN is not an image without noise, and bytes are not on the [0, 1] scale."""
    with pytest.raises(DataError, match=message):
        noise_level(images)
