"""K-SVD: planted dictionaries are found, and no fit of an atom makes the error larger."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from adversity_plugins.restoration.denoise._dictionary import (
    coefficients,
    fitted,
    learnt,
    pursued,
)
from adversity_plugins.restoration.denoise.k_svd import KSVD
from adversity_plugins.restoration.denoise.omp import OMP


def planted(count: int) -> tuple[Tensor, Tensor]:
    """Return a random dictionary `[24, 16]` and patches `[count, 16]` of two atoms each."""
    draw = np.random.default_rng(0)
    dictionary = draw.normal(size=(24, 16))
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    codes = np.zeros((count, 24))
    for row in range(count):
        codes[row, draw.choice(24, 2, replace=False)] = draw.uniform(1, 2, 2) * draw.choice(
            [-1, 1], 2
        )
    noise = 0.02 * draw.normal(size=(count, 16))
    return torch.from_numpy(dictionary), torch.from_numpy(codes @ dictionary + noise)


def errors_of(patches: Tensor, dictionary: Tensor, atoms: Tensor) -> float:
    """Return the squared error of the best coefficients, by NumPy's least squares."""
    total = 0.0
    for patch, row in zip(patches.numpy(), atoms.numpy(), strict=True):
        taken = dictionary.numpy()[row[row >= 0]].T
        values = np.linalg.lstsq(taken, patch, rcond=None)[0] if taken.size else np.zeros(0)
        total += float(((patch - taken @ values) ** 2).sum())
    return total


def test_a_planted_dictionary_is_found() -> None:
    """From one near it: every atom again. 0.99 is what Aharon, Elad and Bruckstein call found."""
    truth, patches = planted(1500)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1)).double()
    start = truth + 0.15 * noise
    start = start / start.norm(dim=1, keepdim=True)
    assert float((truth * start).sum(1).mean()) < 0.9
    found = learnt(patches, start, limit=16 * 0.2**2, rounds=8)
    assert float((truth @ found.T).abs().amax(1).min()) > 0.99


def test_no_turn_of_fits_makes_the_error_larger() -> None:
    """The places of the coefficients as they are, atoms and coefficients fitted in turns."""
    _, patches = planted(400)
    dictionary = patches[:24] / patches[:24].norm(dim=1, keepdim=True)
    atoms, rest = pursued(patches, dictionary, limit=0.5)
    errors = [errors_of(patches, dictionary, atoms)]
    assert abs(errors[0] - float((rest**2).sum())) < 1e-9
    for _ in range(8):
        values = coefficients(patches, dictionary, atoms)
        taken = dictionary[atoms] * (atoms >= 0)[..., None]
        rest = patches - (values[:, None] @ taken)[:, 0]
        dictionary = fitted(dictionary, atoms, values, rest)
        errors.append(errors_of(patches, dictionary, atoms))
    # Tolerance: rounding of sums over 6400 numbers.
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(errors))
    assert errors[-1] < 0.85 * errors[0]
    torch.testing.assert_close(dictionary.norm(dim=1), torch.ones(24, dtype=torch.float64))


def test_a_fitted_atom_is_the_first_singular_vector() -> None:
    """Of patches that all took one atom, after some turns of the power method."""
    draw = torch.Generator().manual_seed(1)
    patches = torch.randn(40, 6, dtype=torch.float64, generator=draw) * torch.arange(1, 7)
    atom = torch.eye(6, dtype=torch.float64)[:1]
    atoms = torch.zeros(40, 1, dtype=torch.int64)
    for _ in range(200):
        values = patches @ atom.T
        atom = fitted(atom, atoms, values, patches - values @ atom)
    first = np.linalg.svd(patches.numpy())[2][0]
    np.testing.assert_allclose(abs(float(atom[0] @ torch.from_numpy(first))), 1, atol=1e-9)


def test_an_atom_with_few_users_stays() -> None:
    """Seven patches are too few to tell an atom from their noise, eight are not."""
    dictionary = torch.eye(6, dtype=torch.float64)[:2]
    draw = torch.Generator().manual_seed(1)
    patches = torch.randn(15, 6, dtype=torch.float64, generator=draw)
    atoms = torch.tensor([0] * 7 + [1] * 8)[:, None]
    values = (patches * dictionary[atoms[:, 0]]).sum(1, keepdim=True)
    fresh = fitted(dictionary, atoms, values, patches - values * dictionary[atoms[:, 0]])
    assert torch.equal(fresh[0], dictionary[0])
    assert float((fresh[1] - dictionary[1]).norm()) > 0.1


def test_learning_helps_beyond_the_cosines(photos: Tensor) -> None:
    """On a photo of 48 x 64 less is wrong than with the cosines alone."""
    clean = photos[0, :1]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy, sigma = clean + 0.1 * noise, 0.1
    errors = [float(((kind()._denoised(noisy, sigma) - clean) ** 2).mean()) for kind in (KSVD, OMP)]
    assert errors[0] < 0.97 * errors[1]
