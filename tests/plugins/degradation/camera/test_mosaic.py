"""The mosaic against its tile, written out, and against a sensor's noise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.camera.mosaic import Mosaic
from adversity_plugins.degradation.noise.sensor_noise import SensorNoise

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize(
    ("pattern", "red", "greens", "blue"),
    [
        ("RGGB", (0, 0), ((0, 1), (1, 0)), (1, 1)),
        ("BGGR", (1, 1), ((0, 1), (1, 0)), (0, 0)),
        ("GRBG", (0, 1), ((0, 0), (1, 1)), (1, 0)),
        ("GBRG", (1, 0), ((0, 0), (1, 1)), (0, 1)),
    ],
)
def test_each_pixel_keeps_the_colour_of_its_filter(
    pattern: str,
    red: tuple[int, int],
    greens: tuple[tuple[int, int], ...],
    blue: tuple[int, int],
    photos: Tensor,
    streams: Streams,
) -> None:
    """To the bit, at odd sizes too; everything else is 0, and the tile is told by channel."""
    images = photos[..., :31, :45] * 0.5 + 0.25
    answer = Mosaic(pattern=pattern).degrade(images, streams("a", "b", "c"))
    expected = torch.zeros_like(images)
    tile = torch.full((2, 2), -1.0)
    for channel, places in ((0, (red,)), (1, greens), (2, (blue,))):
        for row, column in places:
            place = (slice(None), channel, slice(row, None, 2), slice(column, None, 2))
            expected[place] = images[place]
            tile[row, column] = channel
    assert torch.equal(answer.images, expected)
    assert torch.equal(answer.side["pattern"], tile.expand(3, 2, 2))
    assert ((answer.images > 0).sum(1) == 1).all()


def test_noise_before_the_mosaic_is_noise_of_the_sensor(photos: Tensor, streams: Streams) -> None:
    """Each value is changed by itself, so that what is kept is what came, noise and all."""
    noisy = SensorNoise(severity=4).degrade(photos, streams("a", "b", "c"))
    seen = Mosaic().degrade(noisy, streams("a", "b", "c")).images
    assert torch.equal(seen.sum(1)[:, ::2, ::2], noisy[:, 0, ::2, ::2])
    assert torch.equal(seen.sum(1)[:, 1::2, 1::2], noisy[:, 2, 1::2, 1::2])


def test_patterns_that_are_none_are_refused() -> None:
    """Four there are."""
    with pytest.raises(ValidationError, match="'RGGB', 'BGGR', 'GRBG' or 'GBRG'"):
        Mosaic.model_validate({"pattern": "RGBG"})
