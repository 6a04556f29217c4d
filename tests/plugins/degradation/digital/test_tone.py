"""Contrast, brightness and saturation against their definitions."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.digital.brightness import Brightness
from adversity_plugins.degradation.digital.contrast import Contrast
from adversity_plugins.degradation.digital.saturate import Saturate

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("factor", [0.4, 0.05])
def test_contrast_scales_the_deviation_and_keeps_the_mean(
    factor: float, photos: Tensor, streams: Streams
) -> None:
    """Standard deviations are multiplied by the factor, means of channels stay.

    Tolerance: float32 sums over 3072 values.
    """
    worse = Contrast(factor=factor).degrade(photos, streams("a", "b", "c")).images
    torch.testing.assert_close(worse.mean((2, 3)), photos.mean((2, 3)), atol=1e-6, rtol=0)
    torch.testing.assert_close(worse.std((2, 3)), factor * photos.std((2, 3)), atol=1e-6, rtol=0)


def pixels(images: Tensor) -> list[tuple[float, float, float]]:
    """Return every pixel's red, green and blue."""
    return [(r, g, b) for r, g, b in images.double().permute(0, 2, 3, 1).reshape(-1, 3).tolist()]


def colours() -> Tensor:
    """All sums of five steps in three channels, black, greys and white among them."""
    steps = torch.linspace(0, 1, 6)
    cube = torch.cartesian_prod(steps, steps, steps)
    return cube.T.reshape(1, 3, 12, 18)


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0])
def test_brightness_raises_the_value_of_hsv(shift: float, streams: Streams) -> None:
    """As Python's `colorsys` has it, pixel by pixel; tolerance: float32 quotients."""
    given = colours()
    worse = pixels(Brightness(shift=shift).degrade(given, streams("a")).images)
    for before, after in zip(pixels(given), worse, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb(hue, saturation, min(1.0, value + shift))
        assert after == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_saturate_scales_the_saturation_of_hsv(severity: int, streams: Streams) -> None:
    """As Python's `colorsys` has it: grey, whose hue is 0, turns reddish at 4 and 5."""
    given = colours()
    factor, shift = (Saturate.levels[name][severity - 1] for name in ("factor", "shift"))
    worse = pixels(Saturate(severity=severity).degrade(given, streams("a")).images)
    for before, after in zip(pixels(given), worse, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb(hue, min(1.0, saturation * factor + shift), value)
        assert after == pytest.approx(expected, abs=3e-6)


def test_the_smallest_numbers_are_no_trap(streams: Streams) -> None:
    """Subnormal values neither divide to infinity nor to NaN."""
    tiny = torch.full((1, 3, 2, 2), 1e-45)
    tiny[0, 0, 0, 0] = 3e-45
    for plugin in (Brightness(severity=3), Saturate(severity=5)):
        worse = plugin.degrade(tiny, streams("a")).images
        assert worse.isfinite().all()
        assert float(worse.min()) >= 0
        assert float(worse.max()) <= 1
