"""PSNR and SSIM as plugins: each parameter reaches the number, its convention and its size."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from adversity import ImageMetric, metrics
from adversity_plugins.metric.noise_level import NoiseLevel
from adversity_plugins.metric.psnr import PSNR
from adversity_plugins.metric.ssim import SSIM

OTHER: dict[str, Any] = {
    "channels": "luma",
    "data_range": "reference",
    "rounding": "uint8",
    "crop": 4,
    "window": "uniform",
    "window_size": 7,
    "sigma": 2.5,
    "padding": "reflect",
    "covariance": "sample",
    "downsample": True,
}
"""Another value than the default of each parameter."""


def pair(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(2, 3, side, side, generator=generator) * 0.7
    noise = 0.1 * torch.randn(clean.shape, generator=generator)
    return (clean + noise).clamp(0, 1), clean


@pytest.mark.parametrize(
    ("cls", "function"), [(PSNR, metrics.psnr), (SSIM, metrics.ssim)], ids=["psnr", "ssim"]
)
def test_each_parameter_moves_the_number_as_the_function_does(cls: Any, function: Any) -> None:
    """A plugin with one parameter changed gives the function's number, and no longer its own."""
    images, clean = pair(384)
    plain = cls().measure(images, clean)
    assert torch.equal(plain, function(images, clean))
    for name in cls.model_fields:
        options = {name: OTHER[name]}
        changed = cls(**options).measure(images, clean)
        assert torch.equal(changed, function(images, clean, **options)), name
        assert (changed != plain).all(), name
        assert cls(**options).convention() != cls().convention(), name
        json.dumps(cls(**options).convention(), allow_nan=False)


@pytest.mark.parametrize(
    ("metric", "side"),
    [
        (PSNR(), 1),
        (PSNR(crop=4), 9),
        (SSIM(), 11),
        (SSIM(window_size=7, crop=2), 11),
        (SSIM(padding="reflect"), 6),
        (SSIM(padding="zeros", crop=1), 3),
    ],
    ids=repr,
)
def test_smallest_side_knows_window_and_crop(metric: ImageMetric, side: int) -> None:
    """It counts by hand: the window, or its half and one where mirrored, and the crop twice."""
    assert metric.smallest_side() == side
    assert metric.measure(*pair(side)).isfinite().all()


def test_a_window_without_a_middle_is_refused() -> None:
    """An even width is refused when the plugin is made, with the two that are near."""
    with pytest.raises(ValidationError, match="its width is odd: 7 or 9"):
        SSIM(window_size=8)


def test_noise_level_finds_the_noise_without_a_clean_image() -> None:
    """On grey cards it is the sigma that was added, within 3 %: 16 000 coefficients each."""
    truth = torch.tensor([0.02, 0.05, 0.1])
    noise = torch.randn(3, 3, 150, 150, generator=torch.Generator().manual_seed(0))
    images = 0.5 + truth[:, None, None, None] * noise
    found = NoiseLevel().measure(images)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, truth.double(), rtol=0.03, atol=0)
    assert not NoiseLevel.full_reference
    assert NoiseLevel().smallest_side() == 4
