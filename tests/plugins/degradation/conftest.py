"""Small photos and per-sample random streams for the degradation tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from skimage import data
from torch import Tensor

from adversity import SampleRng

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def photos() -> Tensor:
    """Three real colour photos of 64x48, `[3, 3, 48, 64]`."""
    images = (data.astronaut(), data.coffee(), data.chelsea())
    return torch.stack(
        [torch.from_numpy(p[20:212:4, 60:316:4] / 255.0).permute(2, 0, 1).float() for p in images]
    )


@pytest.fixture
def streams() -> Callable[..., SampleRng]:
    """Open fresh streams for ids; the same ids give the same numbers."""

    def opened(*ids: str, seed: int = 0) -> SampleRng:
        return SampleRng(seed=seed, step="test", ids=ids)

    return opened
