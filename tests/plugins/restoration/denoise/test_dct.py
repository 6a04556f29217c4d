"""The sliding DCT against a loop over patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn
from scipy.special import expit
from torch import Tensor

from adversity_plugins.restoration.denoise.dct import DCT


def by_patches(image: np.ndarray, limit: float, width: float) -> np.ndarray:
    """Denoise `[C, H, W]` patch by patch with scipy's DCT."""
    apart = dctn(image, axes=(0,), norm="ortho")
    whole = np.pad(apart, ((0, 0), (7, 7), (7, 7)), mode="symmetric")
    sums, weights = np.zeros_like(whole), np.zeros_like(whole)
    for c in range(len(whole)):
        for y in range(whole.shape[1] - 7):
            for x in range(whole.shape[2] - 7):
                here = (c, slice(y, y + 8), slice(x, x + 8))
                values = dctn(whole[here], norm="ortho")
                kept = expit((np.abs(values) - limit) / width)
                kept[0, 0] = 1
                sums[here] += idctn(values * kept, norm="ortho") / kept.sum()
                weights[here] += 1 / kept.sum()
    inner = (sums / weights)[:, 7:-7, 7:-7]
    restored: np.ndarray = idctn(inner, axes=(0,), norm="ortho")
    return restored


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("threshold", [2.7, 1.5])
def test_equals_a_loop_over_patches(channels: int, threshold: float, noisy: Tensor) -> None:
    """In float64; the threshold opens over a tenth of sigma."""
    image = noisy[0, :channels, :21, :18].double()
    restored = DCT(threshold=threshold)._denoised(image, 0.1)
    expected = by_patches(image.numpy(), threshold * 0.1, 0.01)
    np.testing.assert_allclose(restored, expected, atol=1e-12)


def test_strips_leave_no_seam() -> None:
    """An image of several strips is as its parts, further than a patch from their border."""
    image = torch.rand(1, 200, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = DCT()._denoised(image, 0.1)
    for top in (30, 45, 60, 110):
        part = DCT()._denoised(image[:, top : top + 40], 0.1)
        torch.testing.assert_close(whole[:, top + 7 : top + 33], part[:, 7:33])
