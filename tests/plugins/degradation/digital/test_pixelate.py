"""Pixelation against Pillow's box filter in floating point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.digital.jpeg_compression import JpegCompression
from adversity_plugins.degradation.digital.pixelate import Pixelate

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("factor", [0.6, 0.5, 0.4, 0.3, 0.25, 0.01, 1.0])
@pytest.mark.parametrize("side", [16, 47, 224])
def test_equals_pillow_in_floating_point(factor: float, side: int, streams: Streams) -> None:
    """Box down and box up of a float image; tolerance: float32 means of few values."""
    images = torch.rand(1, 1, side, side + 5, generator=torch.Generator().manual_seed(side))
    small = max(1, int((side + 5) * factor)), max(1, int(side * factor))
    image = Image.fromarray(images[0, 0].numpy())
    box = Image.Resampling.BOX
    expected = np.asarray(image.resize(small, box).resize((side + 5, side), box))
    worse = Pixelate(factor=factor).degrade(images, streams("a")).images[0, 0]
    np.testing.assert_allclose(worse, expected, atol=2e-6)


def test_boxes_are_flat(photos: Tensor, streams: Streams) -> None:
    """A factor of 1/4 leaves squares of 4 x 4 pixels with the mean of what was there."""
    worse = Pixelate(factor=0.25).degrade(photos, streams("a", "b", "c")).images
    means = torch.nn.functional.avg_pool2d(photos, 4).repeat_interleave(4, 2)
    torch.testing.assert_close(worse, means.repeat_interleave(4, 3), atol=1e-6, rtol=0)


def test_jpeg_of_lower_quality_is_further_away(photos: Tensor, streams: Streams) -> None:
    """And the best quality is near; what is left is colour at half the resolution."""
    ids = ("a", "b", "c")
    distances = [
        float((JpegCompression(quality=q).degrade(photos, streams(*ids)).images - photos).norm())
        for q in (100, 50, 25, 10, 2)
    ]
    assert distances == sorted(distances)
    assert distances[0] < 0.3 * distances[2]
