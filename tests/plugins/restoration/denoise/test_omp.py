"""Orthogonal matching pursuit against scikit-learn's, and the cosines it takes from."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import orthogonal_mp_gram
from torch import Tensor

from adversity_plugins.restoration.denoise._dictionary import (
    coefficients,
    overcomplete_cosines,
    pursued,
)
from adversity_plugins.restoration.denoise._patchwise import patchwise, with_image
from adversity_plugins.restoration.denoise.omp import OMP

DOUBLE = torch.zeros(1, dtype=torch.float64)


def random_patches(count: int) -> Tensor:
    """Return patches `[count, 64]` of mean 0 with more power in slow waves, float64."""
    draw = torch.Generator().manual_seed(0)
    smooth = torch.randn(count, 64, generator=draw, dtype=torch.float64) @ torch.cumsum(
        torch.eye(64, dtype=torch.float64), 0
    )
    return 0.1 * (smooth - smooth.mean(1, keepdim=True))


def test_equals_scikit_learns_pursuit() -> None:
    """Same atoms, coefficients and error. scikit-learn takes one atom even where none is needed."""
    patches, dictionary = random_patches(60), overcomplete_cosines(DOUBLE)
    limit = 0.3
    atoms, rest = pursued(patches, dictionary, limit)
    assert bool(((patches**2).sum(1) > limit).all())
    gram, products = dictionary @ dictionary.T, dictionary @ patches.T
    theirs = orthogonal_mp_gram(
        gram.numpy(), products.numpy(), tol=limit, norms_squared=(patches**2).sum(1).numpy()
    )
    values = coefficients(patches, dictionary, atoms)
    ours = torch.zeros(60, 256, dtype=torch.float64)
    for row in range(60):
        taken = atoms[row] >= 0
        ours[row, atoms[row, taken]] = values[row, taken]
    np.testing.assert_allclose(ours.numpy(), theirs.T, atol=1e-9)
    torch.testing.assert_close(patches - ours @ dictionary, rest, rtol=0, atol=1e-9)
    assert int((atoms >= 0).sum(1).max()) > 3


def test_a_patch_within_the_limit_takes_no_atom() -> None:
    """What is left is the patch itself; one a little stronger takes exactly one."""
    dictionary = overcomplete_cosines(DOUBLE)
    patches = torch.stack([0.9 * dictionary[40], 1.1 * dictionary[40]])
    atoms, rest = pursued(patches, dictionary, 1.0)
    assert atoms.tolist() == [[-1], [40]]
    torch.testing.assert_close(rest, torch.stack([patches[0], 0 * patches[1]]), rtol=0, atol=1e-12)


def test_the_dictionary_is_that_of_the_paper() -> None:
    """Products of cosines of 0, 1/16, ... half-waves a pixel, norm 1, and only one has a mean."""
    dictionary = overcomplete_cosines(DOUBLE).reshape(16, 16, 8, 8)
    wave = np.cos(np.pi * 5 * np.arange(8) / 16)
    wave = (wave - wave.mean()) / np.linalg.norm(wave - wave.mean())
    np.testing.assert_allclose(dictionary[5, 0], np.outer(wave, np.full(8, 8**-0.5)), atol=1e-12)
    torch.testing.assert_close(dictionary.flatten(2).norm(dim=2), torch.ones(16, 16).double())
    means = dictionary.flatten(2).mean(2).flatten()
    assert abs(float(means[0]) - 1 / 8) < 1e-12
    assert float(means[1:].abs().max()) < 1e-12


def test_patches_and_the_image_are_averaged_by_hand(noisy: Tensor) -> None:
    """Patches halved around their means, as a loop over places says it, and equation 8."""
    plane = noisy[:1, 0, :9, :11].double()
    wide = np.pad(plane[0].numpy(), 7, mode="symmetric")
    sums = np.zeros_like(wide)
    for top in range(wide.shape[0] - 7):
        for left in range(wide.shape[1] - 7):
            patch = wide[top : top + 8, left : left + 8]
            sums[top : top + 8, left : left + 8] += (patch + patch.mean()) / 2
    expected = sums[7:-7, 7:-7] / 64
    patches = patchwise(plane, lambda rows: rows / 2)
    np.testing.assert_allclose(patches[0], expected, atol=1e-12)
    # At sigma 25/255 the noisy image counts as much as 1.2 patches.
    mixed = with_image(plane, patches, 25 / 255)
    torch.testing.assert_close(mixed, (1.2 * plane + 64 * patches) / 65.2)


def test_more_gain_takes_more_off(noisy: Tensor) -> None:
    """With a huge one only the means of patches are left; with a tiny one the image stays."""
    image = noisy[0, :1, :20, :20]
    kept = OMP(gain=0.05)._denoised(image, 0.1)
    assert float((kept - image).abs().max()) < 0.01
    flat = with_image(image, patchwise(image, torch.zeros_like), 0.1)
    torch.testing.assert_close(OMP(gain=10)._denoised(image, 0.1), flat, rtol=0, atol=1e-5)
