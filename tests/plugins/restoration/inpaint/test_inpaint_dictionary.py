"""Inpainting by a dictionary: a turn written out with scikit-learn's pursuit, waves, and photos."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from skimage import data
from skimage.transform import resize
from sklearn.linear_model import orthogonal_mp
from torch import Tensor

from adversity_plugins.restoration.denoise._dictionary import overcomplete_cosines
from adversity_plugins.restoration.inpaint._sparse_filling import levels, refilled
from adversity_plugins.restoration.inpaint.inpaint_biharmonic import InpaintBiharmonic
from adversity_plugins.restoration.inpaint.inpaint_dictionary import InpaintDictionary
from adversity_plugins.restoration.inpaint.inpaint_tv import InpaintTV

if TYPE_CHECKING:
    from adversity import Restoration


def _mask(height: int, width: int, missing: float) -> Tensor:
    """Return `[1, 1, H, W]` with so many pixels missing here and there."""
    known = np.random.default_rng(0).random((height, width)) > missing
    return torch.from_numpy(known).float()[None, None]


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float(-10 * (images - clean).square().mean().log10())


def _restored(plugin: Restoration, clean: Tensor, mask: Tensor) -> Tensor:
    answer = plugin.restore(clean * mask, mask=mask)
    assert isinstance(answer, Tensor)
    return answer


def test_a_turn_is_the_mean_of_patches_that_scikit_learn_codes() -> None:
    """Patch by patch on a mirrored image of 9 x 10, each pixel averaged by hand."""
    draw = torch.Generator().manual_seed(0)
    plane = torch.rand(1, 9, 10, generator=draw, dtype=torch.float64)
    known = torch.rand(9, 10, generator=draw) > 0.02
    known[4, 4] = False
    found = refilled(plane, known, 0.1)
    dictionary = overcomplete_cosines(plane).numpy()
    rows = np.pad(np.arange(9), 7, mode="symmetric")
    columns = np.pad(np.arange(10), 7, mode="symmetric")
    wide, holes = plane[0].numpy()[rows[:, None], columns], ~known.numpy()[rows[:, None], columns]
    sums, counts = np.zeros(wide.shape), np.zeros(wide.shape)
    for top in range(wide.shape[0] - 7):
        for left in range(wide.shape[1] - 7):
            part = (slice(top, top + 8), slice(left, left + 8))
            if not holes[part].any():
                continue
            patch = wide[part].ravel()
            mean = patch.mean()
            codes = orthogonal_mp(dictionary.T, patch - mean, tol=0.1**2 * 64)
            sums[part] += (dictionary.T @ codes + mean).reshape(8, 8)
            counts[part] += 1
    inner = (slice(7, 16), slice(7, 17))
    expected = np.where(known, plane[0], sums[inner] / np.maximum(counts[inner], 1))
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=0, atol=1e-8)
    assert not np.allclose(expected, plane[0].numpy())


def test_levels_fall_by_the_same_share() -> None:
    """From the first to the last; one turn has the first."""
    assert levels(0.08, 0.01, 4) == pytest.approx([0.08, 0.04, 0.02, 0.01])
    assert levels(0.08, 0.01, 1) == [0.08]
    with pytest.raises(ValidationError, match="must not be above first"):
        InpaintDictionary(first=0.01, last=0.02)


def test_waves_come_back_where_surfaces_do_not() -> None:
    """Waves of four pixels with every second missing: 10 dB more than the smoothest surface."""
    rows, columns = torch.arange(40.0)[:, None], torch.arange(40.0)
    wave = 0.5 + 0.3 * torch.cos(2 * math.pi * (0.25 * rows + 0.1 * columns))
    clean, mask = wave[None, None], _mask(40, 40, 0.5)
    smooth = _psnr(_restored(InpaintBiharmonic(), clean, mask), clean)
    assert _psnr(_restored(InpaintDictionary(first=0.2), clean, mask), clean) > smooth + 10


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_any_number_of_channels_and_nothing_missing(channels: int, photos: Tensor) -> None:
    """Known pixels come back to the bit; an image without a hole is itself."""
    images = photos[:1].repeat(1, 2, 1, 1)[:, :channels, :24, :24]
    mask = _mask(24, 24, 0.5)
    restored = _restored(InpaintDictionary(rounds=2), images, mask)
    known = (mask == 1).expand_as(images)
    assert torch.equal(restored[known], images[known])
    assert torch.equal(_restored(InpaintDictionary(), images, torch.ones_like(mask)), images)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "missing", "gain"), [("camera", 0.8, 0.4), ("coffee", 0.8, 0.3),
                                                       ("camera", 0.5, 1.0)])  # fmt: skip
def test_photos_with_most_pixels_missing(name: str, missing: float, gain: float) -> None:
    """Above the smoothest surface, and further above the least total variation.

    27.38, 26.61 and 25.27 were measured on camera with four in five pixels missing, 27.26, 26.78
    and 25.82 on coffee; 33.65, 32.26 and 30.81 on camera with every second.
    """
    pixels = resize(getattr(data, name)() / 255.0, (256, 256), anti_aliasing=True)
    grey = pixels if pixels.ndim == 2 else pixels.mean(2)
    clean, mask = torch.from_numpy(grey).float()[None, None], _mask(256, 256, missing)
    ours, smooth, flat = (
        _psnr(_restored(plugin, clean, mask), clean)
        for plugin in (InpaintDictionary(), InpaintBiharmonic(), InpaintTV())
    )
    assert ours > smooth + gain
    assert smooth > flat
