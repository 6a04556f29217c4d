"""Impulse noise against the shares it claims."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from adversity import SampleRng
from adversity_plugins.degradation.noise.impulse_noise import ImpulseNoise

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("profile", ["fast", "reference"])
@pytest.mark.parametrize("amount", [0.03, 0.27])
def test_shares_of_salt_and_pepper(amount: float, profile: str, streams: Streams) -> None:
    """Half of the amount is white, half black, and the rest is untouched.

    Allowed: 4 standard errors of a share of n values.
    """
    images = torch.full((1, 3, 200, 200), 102 / 255)
    noisy = ImpulseNoise(amount=amount, profile=profile).degrade(images, streams("a")).images
    n, error = noisy.numel(), 4 * (amount / 2 / noisy.numel()) ** 0.5
    for value in (0.0, 1.0):
        assert abs(float((noisy == value).sum()) / n - amount / 2) < error
    rest = noisy[(noisy != 0) & (noisy != 1)]
    assert torch.equal(rest, torch.full_like(rest, 102 / 255))


def test_the_mask_is_of_pixels_without_a_hit(streams: Streams) -> None:
    """1 where all three channels are as they were; a share (1 - amount)^3 of the pixels."""
    images = torch.full((1, 3, 200, 200), 0.5)
    answer = ImpulseNoise(amount=0.2).degrade(images, streams("a"))
    mask = answer.side["mask"]
    assert torch.equal(mask[:, 0] == 1, (answer.images == 0.5).all(1))
    assert float(mask.mean()) == pytest.approx(0.8**3, abs=4 * (0.25 / 40_000) ** 0.5)


def test_everything_may_be_hit(streams: Streams) -> None:
    """An amount of 1 leaves nothing."""
    noisy = ImpulseNoise(amount=1.0).degrade(torch.full((1, 1, 64, 64), 0.5), streams("a")).images
    assert set(noisy.unique().tolist()) == {0.0, 1.0}
