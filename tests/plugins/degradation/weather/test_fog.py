"""Fog against its formula, and its map against a plain loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.weather._plasma import plasma
from adversity_plugins.degradation.weather.fog import Fog

Streams = Callable[..., SampleRng]


def looped(side: int, decay: float, noise: list[float]) -> np.ndarray:
    """Displace midpoints one by one, from the same numbers in the same order."""
    height, numbers = np.zeros((side, side)), iter(noise)
    step, wobble = side, 100.0
    while step >= 2:
        half = step // 2

        def mean(*points: tuple[int, int], wobble: float = wobble) -> float:
            total = sum(height[y % side, x % side] for y, x in points)
            return float(total / 4 + wobble * wobble * next(numbers))

        for y in range(half, side, step):
            for x in range(half, side, step):
                corners = [(y + a, x + b) for a in (-half, half) for b in (-half, half)]
                height[y, x] = mean(*corners)
        for first, second in (((0, half)), ((half, 0))):
            for y in range(first, side, step):
                for x in range(second, side, step):
                    near = [(y - half, x), (y + half, x), (y, x - half), (y, x + half)]
                    height[y, x] = mean(*near)
        step, wobble = half, wobble / decay
    height -= height.min()
    return height / height.max()


@pytest.mark.parametrize("decay", [1.4, 2.0, 3.0])
def test_the_map_is_the_plain_loops(decay: float) -> None:
    """From the same numbers, one map or several; tolerance: float64 and float32 sums."""
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 32 * 32 - 1))
    expected = [looped(32, decay, one.tolist()) for one in noise]
    used = 0

    def draw(wide: float, shape: tuple[int, ...]) -> np.ndarray:
        nonlocal used
        first, used = used, used + shape[-1] * shape[-2]
        given = noise if len(shape) == 3 else noise[0]
        return wide * given[..., first:used].reshape(shape)

    np.testing.assert_allclose(plasma(np.zeros((32, 32)), decay, draw), expected[0], atol=1e-12)
    used = 0
    found = plasma(np.zeros((2, 32, 32), np.float32), decay, draw)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_fog_is_its_formula(photos: Tensor, streams: Streams) -> None:
    """What is left of the image, and a veil between 0 and 1 in all channels alike.

    Tolerance: float32.
    """
    foggy = Fog(strength=2.0, decay=2.0).degrade(photos, streams("a", "b", "c")).images
    most = photos.amax((1, 2, 3), keepdim=True)
    veil = (foggy * (most + 2) / most - photos) / 2
    torch.testing.assert_close(veil[:, 0], veil[:, 1], atol=1e-5, rtol=0)
    assert float(veil.min()) > -1e-5
    assert float(veil.max()) < 1 + 1e-5
    assert float(veil.std()) > 0.1
    assert float((veil[0] - veil[1]).abs().mean()) > 0.05


def test_the_gradient_is_exact_in_float64(streams: Streams) -> None:
    """By the image and by its largest value; the kit's steps in float32 change which that is."""
    generator = torch.Generator().manual_seed(0)
    images = 0.1 + 0.8 * torch.rand(1, 3, 12, 12, dtype=torch.float64, generator=generator)
    images.requires_grad_()
    weights, way = torch.randn(2, 1, 3, 12, 12, dtype=torch.float64, generator=generator)

    def value(given: Tensor) -> Tensor:
        return (Fog(severity=3).degrade(given, streams("a")).images * weights).sum()

    (gradient,) = torch.autograd.grad(value(images), images)
    with torch.no_grad():
        change = (value(images + 1e-6 * way) - value(images - 1e-6 * way)) / 2e-6
    torch.testing.assert_close((gradient * way).sum(), change, rtol=1e-6, atol=1e-7)
