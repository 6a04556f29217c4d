"""The lasso against scikit-learn's, its optimality conditions, its second fit, its derivative."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Theirs
from torch import Tensor

from adversity.errors import DataError
from adversity_plugins.restoration.denoise import _lasso
from adversity_plugins.restoration.denoise._dictionary import overcomplete_cosines
from adversity_plugins.restoration.denoise._lasso import Lassos, Refitted, solved
from adversity_plugins.restoration.denoise.lasso import Lasso

DICTIONARY = overcomplete_cosines(torch.zeros(1, dtype=torch.float64))


def random_patches(count: int) -> Tensor:
    """Return patches `[count, 64]` of mean 0 and norm 1, float64."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(count, 64, generator=draw, dtype=torch.float64).cumsum(1)
    rows = rows - rows.mean(1, keepdim=True)
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit


def random_atoms() -> tuple[Tensor, Tensor]:
    """Return a dictionary `[20, 12]` and patches `[30, 12]`, float64."""
    draw = torch.Generator().manual_seed(3)
    dictionary = torch.randn(20, 12, generator=draw, dtype=torch.float64)
    dictionary = dictionary / dictionary.norm(dim=1, keepdim=True)
    return dictionary, torch.randn(30, 12, generator=draw, dtype=torch.float64)


def test_equals_scikit_learns_lasso() -> None:
    """On a dictionary of 20 random atoms, so that each minimum is one; theirs stops at 1e-10."""
    dictionary, patches = random_atoms()
    codes = solved(patches, dictionary, 0.2)
    # Theirs divides the squared error by the count of numbers, 12.
    model = Theirs(alpha=0.2 / 12, fit_intercept=False, tol=1e-10, max_iter=1_000_000)
    for patch, row in zip(patches.numpy(), codes, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            model.fit(dictionary.numpy().T, patch)
        np.testing.assert_allclose(row, model.coef_, atol=1e-6)
    assert 3 < float((codes != 0).sum(1).double().mean()) < 12


@pytest.mark.parametrize("weight", [0.3, 0.05, 0.005])
def test_the_optimality_conditions_hold(weight: float) -> None:
    """What is left has a product of weight and sign with atoms that are in, at most weight with all.

    Within a millionth of the weight and float32's rounding of the patch, whose norm is 1; of
    cosines that depend on each other.
    """
    patches = random_patches(40)
    codes = solved(patches, DICTIONARY, weight)
    scores = (patches - codes @ DICTIONARY) @ DICTIONARY.T
    slack = 1.01 * (1e-6 * weight + 1e-7)
    assert float(scores.abs().max()) <= weight + slack
    missed = (scores - weight * codes.sign())[codes != 0].abs().max()
    assert float(missed) <= slack
    assert bool((codes != 0).any(1).all())


def test_orthonormal_atoms_are_shrunk() -> None:
    """The closed form: coefficients less the weight, 0 if they are smaller."""
    patches = random_patches(10)
    eye = torch.eye(64, dtype=torch.float64)
    expected = patches.sign() * (patches.abs() - 0.1).clamp(min=0)
    torch.testing.assert_close(solved(patches, eye, 0.1), expected, rtol=0, atol=1e-9)


def test_the_second_fit_is_least_squares_on_their_lassos_atoms() -> None:
    """On a random dictionary: scikit-learn's lasso says which atoms, NumPy's lstsq their values."""
    dictionary, patches = random_atoms()
    answers = Refitted.apply(patches, dictionary, 0.5)
    model = Theirs(alpha=0.5 / 12, fit_intercept=False, tol=1e-10, max_iter=1_000_000)
    for patch, row in zip(patches.numpy(), answers, strict=True):
        atoms = dictionary.numpy()[model.fit(dictionary.numpy().T, patch).coef_ != 0]
        assert 0 < len(atoms) < 12
        values = np.linalg.lstsq(atoms.T, patch, rcond=None)[0]
        np.testing.assert_allclose(row, values @ atoms, atol=1e-6)


def test_planted_atoms_are_not_shrunk() -> None:
    """Two distant cosines, far above the weight, come back whole; the lasso alone takes from both."""
    patch = (DICTIONARY[[2 * 16 + 4, 8 * 16]] * torch.tensor([[3.0], [-2.0]])).sum(0, keepdim=True)
    weight = 0.5
    shrunk, whole = (kind.apply(patch, DICTIONARY, weight) for kind in (Lassos, Refitted))
    # The ridge of the fit, 1e-9 of an atom's power, is what is missing.
    torch.testing.assert_close(whole, patch, rtol=0, atol=1e-7)
    # These two are orthogonal: each loses the weight, in the direction of a vector of norm 1.
    assert float((patch - shrunk).norm()) == pytest.approx(weight * 2**0.5, rel=1e-5)


def test_noise_alone_is_seldom_taken_for_a_cosine() -> None:
    """The default weight is sqrt(2 log 256): some noise of 200 patches has more with a cosine.

    By a union bound at most 256 P(|normal| > weight) of them, .22; cosines are alike, so fewer.
    """
    assert Lasso().weight == pytest.approx((2 * np.log(256)) ** 0.5, abs=5e-3)
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(200, 64, generator=draw, dtype=torch.float64)
    some = solved(noise - noise.mean(1, keepdim=True), DICTIONARY, Lasso().weight) != 0
    assert 0 < float(some.any(1).double().mean()) < 256 * math.erfc(Lasso().weight / 2**0.5)


@pytest.mark.parametrize("kind", [Lassos, Refitted])
def test_the_derivative_is_that_of_differences(kind: type[Lassos]) -> None:
    """In float64, to what a step of 1e-6 can tell, off the places where an atom comes in."""
    dictionary, patches = random_atoms()
    assert torch.autograd.gradcheck(
        lambda rows: kind.apply(rows, dictionary, 0.2),
        patches[:2].requires_grad_(),
        atol=1e-5,
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches of an image are solved so many at once; to rounding the answer is one."""
    patches = random_patches(30).requires_grad_()
    answers = []
    for block in (4096, 7):
        monkeypatch.setattr(_lasso, "_BLOCK", block)
        answer = Refitted.apply(patches, DICTIONARY, 0.1)
        (gradient,) = torch.autograd.grad(answer.square().sum(), patches)
        answers.append((answer.detach(), gradient))
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=1e-7)


def test_no_answer_where_it_did_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few turns are not enough; it says what to do and returns nothing."""
    monkeypatch.setattr(_lasso, "_TURNS", 3)
    with pytest.raises(DataError, match="larger weight"):
        solved(random_patches(5), DICTIONARY, 0.01)


def test_a_larger_weight_takes_more_off(noisy: Tensor) -> None:
    """What is left of the change of neighbours falls with the weight."""
    image = noisy[0, :1, :20, :20]
    changes = [
        float(Lasso(weight=weight)._denoised(image, 0.1).diff(dim=2).abs().mean())
        for weight in (1.0, 2.0, 4.0)
    ]
    assert changes == sorted(changes, reverse=True)
