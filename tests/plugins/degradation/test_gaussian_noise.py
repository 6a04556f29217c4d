"""Gaussian noise against the distribution it claims."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise

Streams = Callable[..., SampleRng]


def test_the_noise_is_normal_with_the_stated_sigma(streams: Streams) -> None:
    """Mean, variance and the Kolmogorov-Smirnov test agree with N(0, sigma^2).

    Mid-grey with sigma 0.05 is ten sigmas from either end, so nothing is clipped. With
    n = 120 000 draws the standard errors are sigma/sqrt(n) for the mean and
    sigma^2 sqrt(2/n) for the variance; four of them are allowed. The seed is fixed, so the
    p-value is one number; 1e-3 is far below what a right generator gives by chance.
    """
    images = torch.full((2, 3, 200, 100), 0.5)
    noise = (GaussianNoise(sigma=0.05).degrade(images, streams("a", "b")).images - 0.5).double()
    n = noise.numel()
    assert abs(noise.mean()) < 4 * 0.05 / n**0.5
    assert abs(noise.var() - 0.05**2) < 4 * 0.05**2 * (2 / n) ** 0.5
    assert stats.kstest(noise.flatten().numpy() / 0.05, "norm").pvalue > 1e-3


def test_pixels_channels_and_samples_are_independent(streams: Streams) -> None:
    """Correlations between neighbours, channels and samples vanish within 4/sqrt(n)."""
    images = torch.full((2, 3, 100, 100), 0.5)
    noise = GaussianNoise(sigma=0.05).degrade(images, streams("a", "b")).images - 0.5
    rows = torch.stack(
        [noise[0, 0, :, :-1], noise[0, 0, :, 1:], noise[0, 1, :, :-1], noise[1, 0, :, :-1]]
    ).flatten(1)
    correlations = torch.corrcoef(rows) - torch.eye(4)
    assert correlations.abs().max() < 4 / rows.shape[1] ** 0.5


def test_clipped_black_has_the_mean_of_a_rectified_normal(streams: Streams) -> None:
    """On black, clipping leaves E[max(0, sigma z)] = sigma / sqrt(2 pi).

    Standard error: the rectified normal's sigma is sigma sqrt(1/2 - 1/(2 pi)).
    """
    images = torch.zeros(1, 3, 200, 200)
    noisy = GaussianNoise(sigma=0.2).degrade(images, streams("a")).images.double()
    expected = 0.2 / (2 * torch.pi) ** 0.5
    error = 0.2 * (0.5 - 0.5 / torch.pi) ** 0.5 / noisy.numel() ** 0.5
    assert abs(noisy.mean() - expected) < 4 * error
    assert noisy.min() == 0


@pytest.mark.parametrize(
    ("severity", "sigma"), [(1, 0.08), (2, 0.12), (3, 0.18), (4, 0.26), (5, 0.38)]
)
def test_severities_are_those_of_imagenet_c(
    severity: int, sigma: float, photos: Tensor, streams: Streams
) -> None:
    """The constants of gaussian_noise in ImageNet-C's make_imagenet_c.py, told to restorations."""
    side = GaussianNoise(severity=severity).degrade(photos, streams("a", "b", "c")).side
    assert torch.equal(side["sigma"], torch.full((3,), sigma))


def test_a_fraction_is_a_sigma() -> None:
    """Papers write sigma as 25/255."""
    assert GaussianNoise.model_validate({"sigma": "25/255"}).sigma == pytest.approx(25 / 255)
