"""The bilateral filter against its formula, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from adversity_plugins.restoration.denoise.bilateral import Bilateral

if TYPE_CHECKING:
    from torch import Tensor


def by_pixels(image: np.ndarray, sigma_px: float, width: float) -> np.ndarray:
    """Filter `[C, H, W]` pixel by pixel, as the formula is written."""
    reach = int(np.ceil(3 * sigma_px))
    whole = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="symmetric")
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    near = np.exp(-(y**2 + x**2) / (2 * sigma_px**2))
    filtered = np.empty_like(image)
    for row, column in np.ndindex(image.shape[1:]):
        window = whole[:, row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        colour = np.linalg.norm(window - image[:, row, column, None, None], axis=0)
        weights = near * np.exp(-(colour**2) / (2 * width**2))
        filtered[:, row, column] = (weights * window).sum((1, 2)) / weights.sum()
    return filtered


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_a_loop_over_pixels(channels: int, noisy: Tensor) -> None:
    """In float64. scikit-image 0.26 is no oracle: its table of places is a column too wide."""
    image = noisy[0, :channels, :20, :25].double()
    restored = Bilateral(h=3, sigma_px=1.5)._denoised(image, 0.1)
    np.testing.assert_allclose(restored, by_pixels(image.numpy(), 1.5, 0.3), atol=1e-12)


def test_a_wide_colour_leaves_a_gaussian_blur_and_a_narrow_one_the_image(noisy: Tensor) -> None:
    """The two ends of `h`: every neighbour counts, or none."""
    image = noisy[0].double()
    blurred = Bilateral(h=100, sigma_px=1)._denoised(image, 100)
    line = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)
    whole = np.pad(image.numpy(), ((0, 0), (3, 3), (3, 3)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(whole, (7, 7), axis=(1, 2))
    expected = np.einsum("cyxij,i,j->cyx", windows, line, line) / line.sum() ** 2
    np.testing.assert_allclose(blurred, expected, atol=1e-6)
    np.testing.assert_allclose(Bilateral(h=1)._denoised(image, 1e-5), image, atol=1e-6)
