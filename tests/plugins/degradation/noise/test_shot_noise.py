"""Shot noise against the Poisson distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.noise._poisson import poisson
from adversity_plugins.degradation.noise.shot_noise import ShotNoise

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("photons", [3.0, 12.0, 60.0])
@pytest.mark.parametrize("share", [0.003, 0.25, 0.5007, 1.0])
def test_counts_are_poissons(photons: float, share: float, streams: Streams) -> None:
    """Counts at one rate pass the chi-squared test against SciPy's probabilities.

    200 000 draws; counts expected less than 10 times are put together. The seed is fixed, so
    the p-value is one number; 1e-3 is far below what a right generator gives by chance.
    """
    counts = poisson(torch.full((1, 200_000), share), photons, streams("a")).numpy().astype(int)
    law = stats.poisson(share * photons)
    edges = [k for k in range(200) if 10 <= 200_000 * law.cdf(k) <= 200_000 - 10] or [0]
    cells = np.searchsorted(edges, counts.ravel(), side="left")
    seen = np.bincount(cells, minlength=len(edges) + 1)
    expected = 200_000 * np.diff([0.0, *law.cdf(edges), 1.0])
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize("photons", [3.0, 60.0, 400.0])
def test_mean_and_variance_are_those_of_counting(photons: float, streams: Streams) -> None:
    """Below white the mean is the value and the variance value / photons.

    The value is chosen 5 sigma below white, so that the cut does not count. Allowed: 4 standard
    errors, plus the excess kurtosis 1 / rate of a Poisson number for that of the variance.
    """
    value = 0.25 if photons < 10 else 0.4
    images = torch.full((1, 1, 300, 400), value)
    noisy = ShotNoise(photons=photons).degrade(images, streams("a")).images.double()
    n, rate = noisy.numel(), value * photons
    variance = value / photons
    cut = stats.poisson(rate).sf(photons)
    if cut < 1e-4:
        assert abs(noisy.mean() - value) < 4 * (variance / n) ** 0.5
        error = variance * ((2 + 1 / rate) / n) ** 0.5
        assert abs(noisy.var() - variance) < 4 * error
    whole = (noisy * photons).round()
    # float32 division by the photons rounds the count by 1e-7 of itself.
    torch.testing.assert_close(noisy * photons, whole, atol=1e-4, rtol=0)


def test_black_stays_black_and_nothing_is_beyond_white(photos: Tensor, streams: Streams) -> None:
    """No photon comes from black, and white is cut."""
    images = photos.clone()
    images[:, :, :8] = 0
    noisy = ShotNoise(severity=5).degrade(images, streams("a", "b", "c")).images
    assert not noisy[:, :, :8].any()
    assert float(noisy.max()) == 1
    assert not torch.equal(noisy, images)


def test_the_photons_are_told(photos: Tensor, streams: Streams) -> None:
    """`side["photons"]` is what the severity stands for."""
    side = ShotNoise(severity=3).degrade(photos, streams("a", "b", "c")).side
    assert torch.equal(side["photons"], torch.full((3,), 12.0))
