"""Tikhonov's image against a sparse solver and the textbook's filter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve
from torch import Tensor

from adversity_plugins.restoration.denoise.tikhonov import Tikhonov


@pytest.mark.parametrize(("sigma", "contrast"), [(0.1, 0.1), (0.3, 0.05)])
def test_solves_the_normal_equations(sigma: float, contrast: float, noisy: Tensor) -> None:
    """(I + (sigma / contrast)^2 D^T D) x = y, with D all differences of neighbours."""
    image = noisy[0, :, :19, :24].double()
    down, right = (diags_array([-1.0, 1.0], offsets=[0, 1], shape=(n - 1, n)) for n in (19, 24))
    laplacian = kron(down.T @ down, eye_array(24)) + kron(eye_array(19), right.T @ right)
    system = (eye_array(19 * 24) + (sigma / contrast) ** 2 * laplacian).tocsc()
    restored = Tikhonov(contrast=contrast)._denoised(image, sigma)
    for channel, expected in zip(restored, image, strict=True):
        solution = spsolve(system, expected.numpy().ravel())
        np.testing.assert_allclose(channel.numpy().ravel(), solution, atol=1e-12)


def test_is_the_filter_of_the_textbook() -> None:
    """A cosine of the mirrored image is multiplied by 1 / (1 + weight (2 - 2 cos w))."""
    frequency = torch.pi * 3 / 32
    wave = torch.cos(frequency * (torch.arange(32, dtype=torch.float64) + 0.5)).expand(1, 8, 32)
    expected = wave / (1 + 4 * (2 - 2 * np.cos(frequency)))
    torch.testing.assert_close(Tikhonov(contrast=0.1)._denoised(wave, 0.2), expected)
