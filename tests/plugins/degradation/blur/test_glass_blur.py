"""Glass blur against the loop that it replaces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.blur._frosted_glass import shuffled_sources
from adversity_plugins.degradation.blur.glass_blur import GlassBlur

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize("shape", [(17, 23), (40, 9), (5, 30), (3, 3)])
@pytest.mark.parametrize("reach", [1, 2, 4])
def test_following_chains_equals_overwriting_one_by_one(
    reach: int, shape: tuple[int, int], streams: Streams
) -> None:
    """Two rounds of a plain loop: each pixel takes what another has at that moment."""
    height, width = shape
    draw = np.random.default_rng(reach)
    values = np.arange(height * width).reshape(shape)
    rounds = []
    for _ in range(2):
        ahead = []
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                right, down = draw.integers(-reach, reach, 2)
                values[row, column] = values[row + down, column + right]
                ahead.append(down * width + right)
        rounds.append(np.array(ahead, int))
    found = shuffled_sources(height, width, reach, rounds)
    np.testing.assert_array_equal(found, values.ravel())


def test_the_frame_and_flat_images_stay(photos: Tensor, streams: Streams) -> None:
    """A flat image has nothing to move; without blur the frame keeps its pixels."""
    flat = torch.full((1, 3, 24, 24), 0.3)
    glass = GlassBlur(severity=5).degrade(flat, streams("a")).images
    torch.testing.assert_close(glass, flat, atol=1e-6, rtol=0)
    hard = GlassBlur(sigma_px=0.1, max_shift_px=3, rounds=1)
    moved = hard.degrade(photos, streams("a", "b", "c")).images
    assert torch.equal(moved[:, :, :4], photos[:, :, :4])
    assert torch.equal(moved[:, :, :, :4], photos[:, :, :, :4])
    assert torch.equal(moved[:, :, -2:], photos[:, :, -2:])
    inside = (moved != photos).float().mean()
    assert float(inside) > 0.5


def test_every_value_comes_from_nearby(streams: Streams) -> None:
    """Without blur, one round moves values; each is one of the image's own."""
    images = torch.arange(400.0).view(1, 1, 20, 20) / 400
    moved = GlassBlur(sigma_px=0.1, max_shift_px=1, rounds=1).degrade(images, streams("a")).images
    assert torch.isin(moved, images).all()
