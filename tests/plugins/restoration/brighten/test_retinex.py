"""Multi-scale Retinex: its surround by SciPy, and what it is blind to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter
from torch import Tensor

from adversity_plugins.restoration.brighten._surround import surround
from adversity_plugins.restoration.brighten.retinex import Retinex, _retinex


@pytest.mark.parametrize("sigma", [2.0, 5.0, 40.0])
def test_the_surround_is_scipys_gaussian(sigma: float, photos: Tensor) -> None:
    """Mirrored at the border, out to 8 sigmas. A sampled Gaussian of 2 pixels is off by 1e-8."""
    own = surround(photos.double(), sigma).numpy()
    for image, ours in zip(photos.double().numpy(), own, strict=True):
        theirs = gaussian_filter(image, (0, sigma, sigma), mode="reflect", truncate=8)
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_the_widest_surround_is_the_mean(photos: Tensor) -> None:
    """A Gaussian of many times the image's size sees all pixels alike."""
    wide = surround(photos.double(), 5000.0)
    torch.testing.assert_close(wide, photos.double().mean((2, 3), keepdim=True).expand_as(wide))


def test_a_uniform_light_is_discounted() -> None:
    """log I - log G I does not know the brightness: a tenth of the light, the same R.

    Away from black, where the grey level that is added counts: it moves R by less than a tenth
    at a value of 0.02.
    """
    generator = torch.Generator().manual_seed(0)
    light = 0.3 + 0.6 * torch.rand(1, 1, 30, 40, dtype=torch.float64, generator=generator)
    full, dim = (_retinex(light * gain, (3.0, 10.0)) for gain in (1.0, 0.5))
    torch.testing.assert_close(full, dim, atol=0.02, rtol=0)
    assert full.std() > 0.1


def test_hue_stays(photos: Tensor) -> None:
    """All channels of a pixel are multiplied alike: their ratios are those that came in."""
    dark = photos * 0.3
    bright = Retinex().restore(dark)
    assert (bright.mean((1, 2, 3)) > 1.3 * dark.mean((1, 2, 3))).all()
    torch.testing.assert_close(
        bright * dark.sum(1, True), dark * bright.sum(1, True), atol=1e-6, rtol=0
    )


def test_light_that_falls_off_is_evened_out(photos: Tensor) -> None:
    """Under a slope of light from full to a tenth, left and right come out nearer to each other."""
    slope = torch.linspace(1, 0.1, 64)
    dim = photos * slope
    bright = Retinex().restore(dim)
    ratios = [one[..., 32:].mean() / one[..., :32].mean() for one in (photos, dim, bright)]
    assert ratios[1] < 0.5 * ratios[0]
    assert ratios[2] > 1.5 * ratios[1]


def test_a_scale_is_positive() -> None:
    """Widths of 0, and no width at all, are refused."""
    for scales in ((), (0.0,), (15.0, -1.0)):
        with pytest.raises(ValidationError):
            Retinex(scales_px=scales)
