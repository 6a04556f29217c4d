"""Gaussian blur against scikit-image and against the kernel it claims."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.filters import gaussian
from torch import Tensor
from torch.nn import functional

from adversity import SampleRng
from adversity_plugins.degradation.blur.gaussian_blur import GaussianBlur, gaussian_line

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_equals_the_reference_filter(severity: int, photos: Tensor, streams: Streams) -> None:
    """ImageNet-C blurs with skimage.filters.gaussian, sigma 1, 2, 3, 4, 6 pixels.

    Tolerance: two float32 passes of at most 49 products against scipy's float64 sums. The
    photos are 48 pixels high, so at severity 5 the kernel is wider than the image and the
    border rule matters everywhere.
    """
    sigma = (1, 2, 3, 4, 6)[severity - 1]
    blurred = GaussianBlur(severity=severity).degrade(photos, streams("a", "b", "c")).images
    for ours, photo in zip(blurred, photos, strict=True):
        pixels = photo.permute(1, 2, 0).double().numpy()
        expected = gaussian(pixels, sigma=sigma, mode="nearest", truncate=4.0, channel_axis=-1)
        np.testing.assert_allclose(ours.permute(1, 2, 0), expected, atol=1e-6)


def test_a_point_of_light_becomes_the_kernel(streams: Streams) -> None:
    """A single white pixel gives exp(-r^2 / 2 sigma^2), normalised, and keeps its energy.

    Tolerance: float32 sums; the cut at 4 sigma removes 2 * Phi(-4) = 6e-5 of each line,
    which normalising spreads over the rest.
    """
    images = torch.zeros(1, 1, 41, 41)
    images[0, 0, 20, 20] = 1
    answer = GaussianBlur(sigma_px=2.5).degrade(images, streams("a"))
    y, x = torch.meshgrid(torch.arange(41) - 20, torch.arange(41) - 20, indexing="ij")
    analytic = torch.exp(-(x**2 + y**2) / (2 * 2.5**2)) / (2 * torch.pi * 2.5**2)
    inside = (x.abs() <= 10) & (y.abs() <= 10)
    torch.testing.assert_close(answer.images[0, 0][inside], analytic[inside], atol=1e-7, rtol=2e-4)
    assert not answer.images[0, 0][~inside].any()
    assert float(answer.images.sum()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(answer.side["kernel"][0, 0], answer.images[0, 0, 10:31, 10:31])


def test_the_kernel_told_to_restorations_made_the_image(photos: Tensor, streams: Streams) -> None:
    """Convolving with `side["kernel"]` and replicated borders gives the same image."""
    answer = GaussianBlur(sigma_px=1.5).degrade(photos, streams("a", "b", "c"))
    kernel = answer.side["kernel"]
    assert kernel.shape == (3, 1, 13, 13)
    padded = functional.pad(photos, (6, 6, 6, 6), mode="replicate")
    expected = functional.conv2d(padded, kernel[:1].expand(3, 1, 13, 13), groups=3)
    torch.testing.assert_close(answer.images, expected, atol=2e-6, rtol=0)


def test_two_blurs_are_one_of_added_variance(streams: Streams) -> None:
    """Gaussians form a semigroup: blurs of 3 and 4 pixels make one of 5.

    Tolerance: the sampled and cut kernel is not exactly a Gaussian; each cut moves 6e-5.
    """
    images = torch.zeros(1, 1, 101, 101)
    images[0, 0, 50, 50] = 1
    once = GaussianBlur(sigma_px=3.0).degrade(images, streams("a")).images
    twice = GaussianBlur(sigma_px=4.0).degrade(once, streams("a")).images
    direct = GaussianBlur(sigma_px=5.0).degrade(images, streams("a")).images
    torch.testing.assert_close(twice, direct, atol=3e-4 * float(direct.max()), rtol=0)


def test_a_flat_image_stays_flat(streams: Streams) -> None:
    """The weights sum to 1 and the border goes on, so a constant is kept."""
    images = torch.full((1, 3, 10, 10), 0.7)
    blurred = GaussianBlur(severity=5).degrade(images, streams("a")).images
    torch.testing.assert_close(blurred, images, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("sigma_px", "taps"), [(0.1, 1), (1.0, 9), (6.0, 49)])
def test_the_line_is_cut_at_four_sigma(sigma_px: float, taps: int) -> None:
    """2 round(4 sigma) + 1 weights that sum to 1; less than an eighth of a pixel is no blur."""
    line = gaussian_line(sigma_px)
    assert len(line) == taps
    assert float(line.sum()) == pytest.approx(1, abs=1e-15)
