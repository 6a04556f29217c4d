"""Photos to learn super-resolution from, others to judge it, and the papers' measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images
from torch import Tensor

import adversity

if TYPE_CHECKING:
    from collections.abc import Callable


def _tensor(photo: np.ndarray, width: int) -> Tensor:
    """Shrink a photo to a width, both sides cut to a multiple of 12; `[1, 3, H, W]`."""
    height = round(photo.shape[0] * width / photo.shape[1])
    small = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS))
    cut = small[: height // 12 * 12, : width // 12 * 12]
    return torch.from_numpy(cut / np.float32(255)).permute(2, 0, 1)[None].contiguous()


@pytest.fixture(scope="session")
def learnt_from() -> list[Tensor]:
    """Photos that are learnt from: china, flower, motorcycle and rocket."""
    china, flower = load_sample_images().images
    photos = [china, flower, data.stereo_motorcycle()[0], data.rocket()]
    return [_tensor(photo, 204) for photo in photos]


@pytest.fixture(scope="session")
def judged_by() -> list[Tensor]:
    """Photos that judge, no part of the others: astronaut, coffee and chelsea."""
    return [_tensor(photo, 144) for photo in (data.astronaut(), data.coffee(), data.chelsea())]


@pytest.fixture(scope="session")
def luma_psnr() -> Callable[[Tensor, Tensor, int], float]:
    """PSNR in dB of BT.601's Y with `factor` pixels of the border cut off, as in papers."""

    def measure(images: Tensor, clean: Tensor, factor: int) -> float:
        inside = (..., slice(factor, -factor), slice(factor, -factor))
        value = adversity.metrics.psnr(images[inside], clean[inside], channels="luma")
        return float(value.mean())

    return measure


@pytest.fixture(scope="session")
def fitted() -> Callable[..., Any]:
    """Fit a restoration on photos of several sizes, cut to one."""

    def fit(photos: list[Tensor], name: str, **given: Any) -> Any:
        height, width = (min(photo.shape[side] for photo in photos) for side in (2, 3))
        clean = torch.cat([photo[..., :height, :width] for photo in photos])
        return adversity.create("restoration", name, **given).fit(clean)

    return fit
