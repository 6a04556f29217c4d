"""Small photos, clean, noisy and dark, for the restoration tests."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch import Tensor


@pytest.fixture(scope="session")
def photos() -> Tensor:
    """Three real colour photos of 64x48, `[3, 3, 48, 64]`."""
    images = (data.astronaut(), data.coffee(), data.chelsea())
    return torch.stack(
        [torch.from_numpy(p[20:212:4, 60:316:4] / 255.0).permute(2, 0, 1).float() for p in images]
    )


@pytest.fixture(scope="session")
def noisy(photos: Tensor) -> Tensor:
    """The photos with clipped white noise of sigma 0.1."""
    noise = torch.randn(photos.shape, generator=torch.Generator().manual_seed(0))
    return (photos + 0.1 * noise).clamp(0, 1)


@pytest.fixture(scope="session")
def dark(photos: Tensor) -> Tensor:
    """The photos with a tenth of their light, without noise (gamma 2.2 for sRGB)."""
    return photos * 0.1 ** (1 / 2.2)
