"""Wavelet thresholding against the plain transform, shifted by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor

from adversity_plugins.restoration.denoise._wavelets import daubechies
from adversity_plugins.restoration.denoise.wavelet import Wavelet

WIDTH = 0.01
"""The threshold opens over a tenth of sigma, which is 0.1 here."""


def test_two_moments_are_daubechies_closed_form() -> None:
    """(1 +- sqrt 3, 3 +- sqrt 3) / (4 sqrt 2), as printed by Daubechies; one moment is Haar's."""
    root = 3**0.5
    expected = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * 2**0.5)
    np.testing.assert_allclose(daubechies(2), expected, atol=1e-12)
    np.testing.assert_allclose(daubechies(1), [0.5**0.5, 0.5**0.5], atol=1e-12)


@pytest.mark.parametrize("moments", range(1, 11))
def test_filters_are_orthonormal_and_have_their_moments(moments: int) -> None:
    """Even shifts are orthogonal, and polynomials below the order have no detail.

    Tolerance: the roots of a polynomial of degree 9.
    """
    low = daubechies(moments)
    assert low.sum() == pytest.approx(2**0.5)
    for shift in range(moments):
        overlap = low[2 * shift :] @ low[: len(low) - 2 * shift]
        assert overlap == pytest.approx(float(shift == 0), abs=1e-8)
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    for power in range(moments):
        line = np.linspace(0, 1, len(low)) ** power
        assert high @ line == pytest.approx(0, abs=1e-7)


def _transform(length: int, low: np.ndarray) -> np.ndarray:
    """Return one level of the periodic transform as a matrix: coarse rows, then details."""
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    matrix = np.zeros((length, length))
    for row, line in product(range(length // 2), (0, 1)):
        for place, value in enumerate((low, high)[line]):
            matrix[row + line * length // 2, (2 * row + place) % length] += value
    return matrix


def _thresholded(image: np.ndarray, low: np.ndarray, levels: int, limit: float) -> np.ndarray:
    """Denoise a square by the decimated transform, which is orthogonal."""
    if levels == 0:
        return image
    matrix, half = _transform(len(image), low), len(image) // 2
    values = matrix @ image @ matrix.T
    coarse = _thresholded(values[:half, :half], low, levels - 1, limit)
    values = values * expit((np.abs(values) - limit) / WIDTH)
    values[:half, :half] = coarse
    back: np.ndarray = matrix.T @ values @ matrix
    return back


@pytest.mark.parametrize("moments", [1, 2, 3])
def test_equals_the_mean_over_all_shifts(moments: int, noisy: Tensor) -> None:
    """Cycle spinning by hand over the 16 shifts of two levels, of the image mirrored at its borders."""
    image = noisy[0, :1, :16, :16].double()
    ours = Wavelet(moments=moments, levels=2)._denoised(image, 0.1)
    whole = np.pad(image[0].numpy(), ((0, 16), (0, 16)), mode="symmetric")
    low, shifts = daubechies(moments), list(product(range(4), repeat=2))
    total = np.zeros_like(whole)
    for shift in shifts:
        moved = np.roll(whole, shift, axis=(0, 1))
        done = _thresholded(moved, low, 2, 3.0 * 0.1)
        total += np.roll(done, [-s for s in shift], axis=(0, 1))
    np.testing.assert_allclose(ours[0], (total / len(shifts))[:16, :16], atol=1e-12)


def test_a_low_threshold_gives_the_image_back(noisy: Tensor) -> None:
    """The transform is undone exactly, in colour, at every border; in float64."""
    image = noisy[0].double()
    for levels in (1, 4):
        restored = Wavelet(levels=levels)._denoised(image, 1e-12)
        torch.testing.assert_close(restored, image, rtol=0, atol=1e-9)
