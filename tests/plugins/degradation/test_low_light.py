"""Low light against the sensor model it claims, measured in linear light."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.light.low_light import LowLight

Streams = Callable[..., SampleRng]
N = 30_000
"""Pixels in each flat patch; the standard errors below are 1/sqrt(N) of a sigma."""


def _light(values: Tensor) -> np.ndarray:
    """Decode sRGB by the standard's formula, written a second time in NumPy float64."""
    v = values.double().numpy()
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _patch(encoded: float) -> Tensor:
    return torch.full((1, 3, 100, 100), encoded)


@pytest.mark.parametrize("encoded", [0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("gain", [0.5, 0.1])
def test_mean_and_variance_are_those_of_the_sensor(
    encoded: float, gain: float, streams: Streams
) -> None:
    """In linear light the mean is gain * L and the variance gain * L / W + (r / W)^2.

    At these levels the signal is at least 5 sigmas above black and below white, so cutting
    off does not count. Allowed: 4 standard errors (sigma/sqrt(n) for the mean,
    variance * sqrt(2/n) for the variance) plus float32 rounding of the encoding (1e-6).
    """
    plugin = LowLight(gain=gain, white_photons=4000, read_noise=3)
    light = _light(plugin.degrade(_patch(encoded), streams("a")).images)
    mean = gain * float(_light(torch.tensor(encoded)))
    variance = mean / 4000 + (3 / 4000) ** 2
    assert abs(light.mean() - mean) < 4 * (variance / N) ** 0.5 + 1e-6
    assert abs(light.var() - variance) < 4 * variance * (2 / N) ** 0.5 + 1e-9


def test_shot_noise_variance_is_proportional_to_the_signal(streams: Streams) -> None:
    """Without read noise, variance / mean is 1 / W at every brightness (Poisson).

    Allowed: 4 standard errors, sqrt(2/n) relative, plus the Poisson's own skewness term.
    """
    plugin = LowLight(gain=0.25, white_photons=2000, read_noise=0)
    for encoded in (0.4, 0.6, 0.8, 1.0):
        light = _light(plugin.degrade(_patch(encoded), streams("a")).images)
        assert light.var() / light.mean() * 2000 == pytest.approx(1, abs=4 * (2 / N) ** 0.5 + 0.01)


def test_without_read_noise_pixels_are_whole_photons(streams: Streams) -> None:
    """Linear light times W is an integer: photons are counted.

    Tolerance: float32 encoding of values up to 0.02 moves a count by less than 0.01.
    """
    plugin = LowLight(gain=0.02, white_photons=1000, read_noise=0)
    counts = _light(plugin.degrade(_patch(0.9), streams("a")).images) * 1000
    assert np.abs(counts - counts.round()).max() < 0.01
    assert len(np.unique(counts.round())) > 5


def test_read_noise_on_black_is_a_half_normal(streams: Streams) -> None:
    """No light leaves r * max(0, z) / W, whose mean is r / (W sqrt(2 pi)); half is black.

    Allowed: 4 standard errors; the rectified normal's sigma is r/W sqrt(1/2 - 1/(2 pi)).
    """
    plugin = LowLight(gain=0.1, white_photons=1000, read_noise=5)
    light = _light(plugin.degrade(_patch(0.0), streams("a")).images)
    expected = 5 / 1000 / (2 * np.pi) ** 0.5
    error = 5 / 1000 * (0.5 - 0.5 / np.pi) ** 0.5 / N**0.5
    assert abs(light.mean() - expected) < 4 * error
    assert (light == 0).mean() == pytest.approx(0.5, abs=4 * 0.5 / N**0.5)


def test_many_photons_and_full_light_give_the_photo_back(photos: Tensor, streams: Streams) -> None:
    """With gain 1 and 1e9 photons the model is the identity.

    Tolerance: shot noise in linear light is at most 1/sqrt(1e9) = 3e-5; near black the
    encoding stretches it by 12.92 while the noise itself shrinks with the signal.
    """
    plugin = LowLight(gain=1.0, white_photons=1e9, read_noise=0)
    same = plugin.degrade(photos, streams("a", "b", "c")).images
    torch.testing.assert_close(same, photos, atol=3e-4, rtol=0)


def test_darkness_is_told_to_restorations(photos: Tensor, streams: Streams) -> None:
    """`side["gain"]` is the gain that `severity` stands for."""
    side = LowLight(severity=2).degrade(photos, streams("a", "b", "c")).side
    assert torch.equal(side["gain"], torch.full((3,), LowLight.levels["gain"][1]))


def test_colours_keep_their_ratio_in_linear_light(streams: Streams) -> None:
    """Darkening in linear light keeps hue: channel ratios of the means are unchanged.

    Allowed: 1 %, four standard errors of the darkest channel's mean (shot noise 0.2 %).
    """
    images = torch.tensor([0.9, 0.6, 0.4]).view(1, 3, 1, 1).expand(1, 3, 100, 100)
    dark = _light(LowLight(gain=0.1).degrade(images, streams("a")).images).mean((0, 2, 3))
    clean = _light(images).mean((0, 2, 3))
    np.testing.assert_allclose(dark / dark[0], clean / clean[0], rtol=0.01)
