"""Speckle noise against the normal distribution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy import stats

from adversity import SampleRng
from adversity_plugins.degradation.noise.speckle_noise import SpeckleNoise

Streams = Callable[..., SampleRng]


def test_the_noise_is_normal_and_grows_with_the_value(streams: Streams) -> None:
    """(noisy / value - 1) / sigma is standard normal at every value, by Kolmogorov and Smirnov.

    Values so far below white that 5 sigma stay below it. The seed is fixed, so the p-value is
    one number.
    """
    for value in (0.1, 0.5):
        images = torch.full((1, 3, 200, 200), value)
        noisy = SpeckleNoise(sigma=0.15).degrade(images, streams("a")).images.double()
        assert stats.kstest(((noisy / value - 1) / 0.15).flatten().numpy(), "norm").pvalue > 1e-3


def test_black_stays_black(streams: Streams) -> None:
    """Nothing times anything is nothing."""
    assert not SpeckleNoise(severity=5).degrade(torch.zeros(1, 1, 8, 8), streams("a")).images.any()
