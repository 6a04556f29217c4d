"""Elastic deformation against SciPy and against maps that are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.transform import AffineTransform, warp
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.digital._affine import backwards, corners, warped
from adversity_plugins.degradation.digital.elastic_transform import (
    ElasticTransform,
    _sampled,
    _smoothing,
)

Streams = Callable[..., SampleRng]


@pytest.mark.parametrize(("side", "sigma"), [(16, 0.4), (40, 3.7), (33, 60.0), (1, 2.0)])
def test_smoothing_is_scipys_gaussian(side: int, sigma: float) -> None:
    """Along one axis, mirrored, cut at 3 sigma; tolerance: float64 rounding."""
    line = np.random.default_rng(0).uniform(-1, 1, side)
    expected = gaussian_filter(line, sigma, mode="reflect", truncate=3)
    np.testing.assert_allclose(_smoothing(side, sigma).numpy() @ line, expected, atol=1e-12)


def test_the_map_takes_the_points_where_they_were_moved() -> None:
    """The inverse of an affine map by three points, applied to where they went."""
    points = corners(224, 224)
    moved = points + np.float32([[3, -4], [10, 2], [-7, 5]])
    back = backwards(points, moved)
    found = np.column_stack([moved, np.ones(3)]) @ back.T
    np.testing.assert_allclose(found, points, atol=1e-9)


def test_both_warps_are_scikit_images(photos: Tensor) -> None:
    """Ours in floating point to float32; OpenCV's within what 1/64 of a pixel changes."""
    image = photos[0].permute(1, 2, 0).double().numpy()
    points = corners(48, 64)
    back = backwards(points, points + np.float32([[3, -2], [1, 2], [-3, 4]]))
    known = AffineTransform(np.vstack([back, [0, 0, 1]]))
    expected = warp(image, known, order=1, mode="reflect")
    x, y = torch.arange(64.0), torch.arange(48.0)[:, None]
    at = torch.stack([float(a) * x + float(b) * y + float(c) for a, b, c in back])[None]
    ours = _sampled(photos[:1], at, whole=True)[0].permute(1, 2, 0)
    np.testing.assert_allclose(ours, expected, atol=2e-5)
    opencvs = warped(image.astype(np.float32), back)
    # Neighbours differ by up to 1, and coordinates are rounded by up to 1/64 each way.
    assert np.abs(opencvs - expected).max() < 2 / 64
    assert np.abs(opencvs - expected).mean() < 1e-3


def test_nothing_moves_without_displacement(photos: Tensor, streams: Streams) -> None:
    """And with it, all does: a ramp shows by how much, smoothly."""
    still = ElasticTransform(displacement=0, smoothness=0.1, corner_shift=0)
    same = still.degrade(photos, streams("a", "b", "c")).images
    torch.testing.assert_close(same, photos, atol=1e-5, rtol=0)
    ramp = torch.linspace(0.2, 0.8, 128).expand(1, 1, 128, 128).contiguous()
    bent = ElasticTransform(displacement=2, smoothness=0.08, corner_shift=0)
    moved = (bent.degrade(ramp, streams("a")).images - ramp)[0, 0, 16:-16, 16:-16] / 0.6 * 127
    assert float(moved.abs().max()) > 1
    assert float(moved.diff(dim=0).abs().max()) < 1


def test_lengths_are_the_published_ones_at_224_pixels() -> None:
    """244 times the constants, and half of it at 112 pixels."""
    plugin = ElasticTransform(severity=1)
    assert plugin._pixels("displacement", 224) == 244 * 2.0
    assert plugin._pixels("smoothness", 224) == 244 * 0.7
    assert plugin._pixels("smoothness", 112) == 122 * 0.7
