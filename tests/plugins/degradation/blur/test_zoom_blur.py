"""Zoom blur against averages of enlargements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.blur.zoom_blur import ZoomBlur

Streams = Callable[..., SampleRng]
PUBLISHED = [
    np.arange(1, 1.11, 0.01),
    np.arange(1, 1.16, 0.01),
    np.arange(1, 1.21, 0.02),
    np.arange(1, 1.26, 0.02),
    np.arange(1, 1.31, 0.03),
]


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_factors_are_the_published_ones_to_the_last_bit(severity: int) -> None:
    """The last bit decides how many pixels 224 / 1.12 are."""
    assert ZoomBlur(severity=severity)._factors() == PUBLISHED[severity - 1].tolist()


def test_one_enlargement_is_half_the_image_and_more(streams: Streams) -> None:
    """Zooms 1 and 2: two thirds of the image, a third of its middle, corner onto corner.

    The oracle maps positions by hand; tolerance: float32 interpolation.
    """
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    blurred = ZoomBlur(step=1.0, zooms=2).degrade(image, streams("a")).images[0, 0].numpy()
    middle = image[0, 0, 4:12, 4:12].double().numpy()
    at = np.arange(16) * 7 / 15
    low = np.minimum(at.astype(int), 6)
    rows = middle[low] * (1 - (at - low))[:, None] + middle[low + 1] * (at - low)[:, None]
    grown = rows[:, low] * (1 - (at - low)) + rows[:, low + 1] * (at - low)
    np.testing.assert_allclose(blurred, (2 * image[0, 0].numpy() + grown) / 3, atol=1e-6)


def test_flat_images_stay_and_the_rim_is_blurred_most(photos: Tensor, streams: Streams) -> None:
    """The middle moves least: its change is smaller than that of the rim."""
    flat = torch.full((1, 3, 20, 30), 0.6)
    same = ZoomBlur(severity=5).degrade(flat, streams("a")).images
    torch.testing.assert_close(same, flat, atol=1e-6, rtol=0)
    big = torch.from_numpy(resize(np.random.default_rng(0).random((12, 12)), (96, 96))).float()
    change = (ZoomBlur(severity=5).degrade(big[None, None], streams("a")).images - big).abs()[0, 0]
    middle = change[40:56, 40:56].mean()
    assert float(middle) < 0.5 * float(change.mean())
