"""Non-local means against scikit-image's direct call."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from skimage.restoration import denoise_nl_means
from torch import Tensor

from adversity_plugins.restoration.denoise.non_local_means import NonLocalMeans


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_the_direct_call(channels: int, noisy: Tensor) -> None:
    """h = 0.8 sigma, patches of 5, distance 6, fast mode, each image with its own sigma.

    Tolerance: float32 storage of the answer.
    """
    images = noisy[:, :channels]
    levels = (0.05, 0.1, 0.2)
    restored = NonLocalMeans().restore(images, sigma=torch.tensor(levels)).images
    for ours, image, sigma in zip(restored, images, levels, strict=True):
        expected = denoise_nl_means(
            image.permute(1, 2, 0).double().numpy().squeeze(),
            patch_size=5,
            patch_distance=6,
            h=0.8 * float(np.float32(sigma)),
            sigma=float(np.float32(sigma)),
            fast_mode=True,
            channel_axis=-1 if channels == 3 else None,
        )
        np.testing.assert_allclose(ours.permute(1, 2, 0).squeeze(), expected, atol=1e-7)


def test_parameters_reach_the_filter(noisy: Tensor) -> None:
    """A stronger filter leaves less variation; other patches give another image."""
    sigma = torch.full((3,), 0.1)
    usual = NonLocalMeans().restore(noisy, sigma=sigma).images
    strong = NonLocalMeans(h=2).restore(noisy, sigma=sigma).images
    assert strong.diff(dim=-1).abs().mean() < 0.9 * usual.diff(dim=-1).abs().mean()
    for other in (NonLocalMeans(patch_size=3), NonLocalMeans(patch_distance=2)):
        assert not torch.equal(other.restore(noisy, sigma=sigma).images, usual)


def test_no_noise_means_no_change(noisy: Tensor) -> None:
    """Sigma 0 (a flat image's estimate) gives the image back, not a division by zero."""
    sigma = torch.tensor([0.0, 0.1, 0.1])
    restored = NonLocalMeans().restore(noisy, sigma=sigma).images
    assert torch.equal(restored[0], noisy[0])
    assert not torch.equal(restored[1], noisy[1])


def test_an_even_patch_is_refused_with_the_next_odd_one() -> None:
    """A patch needs a centre; the message suggests the next size that has one."""
    with pytest.raises(ValidationError, match="patch_size must be odd, got 4; try 5"):
        NonLocalMeans(patch_size=4)
