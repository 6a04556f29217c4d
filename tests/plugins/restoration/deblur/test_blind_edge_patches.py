"""The edge-patch prior: its parts against closed forms, dense solves and planted edges."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from adversity_plugins.restoration.deblur._blurring import Blurring
from adversity_plugins.restoration.deblur._edge_patches import (
    drawn_patches,
    restored_contrast,
    solved,
    with_sharp_edges,
)
from adversity_plugins.restoration.deblur._patch_atoms import patch_atoms


def _random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def test_atoms_are_of_one_length_and_no_two_alike() -> None:
    """Mean 0, mean square 1; two that are equal up to the sign would be looked up twice."""
    atoms = patch_atoms()
    zero, one = atoms.new_zeros(len(atoms)), atoms.new_ones(len(atoms))
    torch.testing.assert_close(atoms.mean(1), zero, atol=1e-12, rtol=0)
    torch.testing.assert_close(atoms.square().mean(1), one)
    alike = (atoms @ atoms.T / 25).abs()
    alike.fill_diagonal_(0)
    assert float(alike.max()) < 1 - 1e-6


def test_atoms_are_the_patches_of_a_step_that_was_drawn_by_hand() -> None:
    """An upright step through the border of two columns, and one through a column's middle."""
    step = torch.tensor([-3.0, -3, 2, 2, 2], dtype=torch.float64).expand(5, 5)
    half = torch.tensor([-1.0, -1, 0, 1, 1], dtype=torch.float64).expand(5, 5)
    for patch in (step, half, step.T, half.T):
        row = patch.flatten() / patch.square().mean().sqrt()
        assert float((patch_atoms() @ row / 25).abs().max()) == pytest.approx(1)


def test_an_atom_is_its_own_likest_with_either_sign() -> None:
    """With its mean and contrast, where photos have no more: above 0.414."""
    atoms = patch_atoms()
    signs = torch.where(torch.arange(len(atoms)) % 2 == 0, 1.0, -1.0).double()
    patches = 0.6 + 0.5 * signs[:, None] * atoms
    torch.testing.assert_close(drawn_patches(patches, 1.0), patches)


def test_a_blurred_step_becomes_a_step() -> None:
    """Its nearest atom is the sharp one, with mean and contrast of the blurred: by hand."""
    blurred = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0], dtype=torch.float64).expand(5, 5)
    spread = float(blurred.std(correction=0))
    sharp = drawn_patches(blurred.reshape(1, 25), 0.0).view(5, 5)
    half = torch.tensor([-1.0, -1, 0, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(sharp, (0.5 + spread * half / 0.8**0.5).expand(5, 5))


def test_contrast_is_restored_rank_by_rank() -> None:
    """The middle of an odd number of faint ones gets the median of photos; what is more stays."""
    faint = torch.tensor([0.03, 0.01, 0.05, 0.02, 0.04], dtype=torch.float64)
    restored = restored_contrast(faint)
    assert float(restored[0]) == pytest.approx(0.226)
    assert torch.equal(restored.argsort(), faint.argsort())
    strong = faint + 1
    assert torch.equal(restored_contrast(strong), strong)


def test_conjugate_gradients_solve_what_a_dense_solver_does() -> None:
    """Of 12 x 12 pixels, to a thousandth of the largest value in twelve steps."""
    blur = Blurring(torch.full((3, 3), 1 / 9, dtype=torch.float64), 12, 12, circular=True)
    base = blur.spectrum.abs() ** 2 + 0.02 * blur.roughness + 0.01
    diagonal, right = 0.1 * (_random(12, 12) > 0.7).double(), _random(12, 12, seed=1)
    units = torch.eye(144, dtype=torch.float64).view(144, 12, 12)
    matrix = blur.back(blur.transform(units) * base).view(144, 144)
    matrix = matrix + torch.diag(diagonal.flatten())
    expected = torch.linalg.solve(matrix, right.flatten()).view(12, 12)
    found = solved(right, base, diagonal, blur, torch.zeros_like(right))
    torch.testing.assert_close(found, expected, atol=1e-3 * float(expected.abs().max()), rtol=0)


def test_patches_bring_a_deblurred_block_nearer_to_the_sharp_one() -> None:
    """With noise of 0.01: without them, at a weight of nearly none, the error is a third larger."""
    block = torch.zeros(48, 48, dtype=torch.float64)
    block[14:34, 14:34] = 0.8
    blur = Blurring(torch.full((5, 5), 1 / 25, dtype=torch.float64), 48, 48, circular=True)
    generator = torch.Generator().manual_seed(0)
    noise = 0.01 * torch.randn(48, 48, generator=generator, dtype=torch.float64)
    worse = blur.spread(block) + noise
    images = [worse] + [
        with_sharp_edges(worse, blur, weight, share=0.05, contrast=0.0) for weight in (1e-9, 0.02)
    ]
    before, free, priced = (float((image - block).square().mean()) for image in images)
    assert before > 3 * free
    assert free > 4 / 3 * priced
