"""Total variation: its optimum in closed form, by another program, and by its own gap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from adversity.errors import DataError
from adversity_plugins.restoration._differences import adjoint, differences
from adversity_plugins.restoration.denoise import _total_variation
from adversity_plugins.restoration.denoise._total_variation import solved
from adversity_plugins.restoration.denoise.total_variation import TotalVariation


def objective(x: np.ndarray, image: np.ndarray, weight: float) -> float:
    """Return |x - image|^2 / 2 + weight * TV(x) of `[C, H, W]`, written with loops of numpy."""
    down, right = np.zeros_like(x), np.zeros_like(x)
    down[:, :-1] = x[:, 1:] - x[:, :-1]
    right[:, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
    lengths = np.sqrt((down**2 + right**2).sum(0))
    return float(((x - image) ** 2).sum() / 2 + weight * lengths.sum())


def test_the_adjoint_is_one() -> None:
    """<D x, p> = <x, D^T p>, in float64."""
    draw = torch.Generator().manual_seed(0)
    image = torch.rand(3, 7, 5, dtype=torch.float64, generator=draw)
    vectors = torch.rand(3, 2, 7, 5, dtype=torch.float64, generator=draw)
    left, right = (differences(image) * vectors).sum(), (image * adjoint(vectors)).sum()
    torch.testing.assert_close(left, right)


def test_a_step_shrinks_by_the_closed_form() -> None:
    """Each side of a step of n columns moves by weight / n towards the other.

    Tolerance: the objective is strongly convex, so that a gap of g leaves |x - x*| <= sqrt(2 g).
    """
    image = torch.full((1, 6, 10), 0.2, dtype=torch.float64)
    image[:, :, 5:] = 0.8
    restored = solved(image, 0.5, 1e-8).image
    expected = torch.where(image < 0.5, 0.2 + 0.1, 0.8 - 0.1).double()
    torch.testing.assert_close(restored, expected, rtol=0, atol=3e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_gap_is_below_the_tolerance(channels: int, noisy: Tensor) -> None:
    """It bounds what any other image could gain: here one solved a hundred times as exactly."""
    image, weight = noisy[0, :channels].double(), 0.1
    coarse, fine = (solved(image, weight, tolerance) for tolerance in (1e-4, 1e-6))
    values = [objective(found.image.numpy(), image.numpy(), weight) for found in (coarse, fine)]
    assert coarse.gap <= 1e-4
    assert fine.gap <= 1e-6
    assert fine.iterations > coarse.iterations
    assert values[1] <= values[0] <= values[1] * (1 + 1.1e-4)


def test_no_worse_than_scikit_image(noisy: Tensor) -> None:
    """Chambolle's algorithm minimises the same objective; run long it comes near, never below."""
    image = noisy[0, :1].double()
    theirs = denoise_tv_chambolle(image[0].numpy(), weight=0.08, eps=1e-9, max_num_iter=3000)
    ours = TotalVariation(strength=0.8, tolerance=1e-6)._denoised(image, 0.1).numpy()
    values = [objective(x, image.numpy(), 0.08) for x in (ours, theirs[None])]
    assert values[0] <= values[1] * (1 + 1e-6)
    # The objective's curvature is 1: |x - x*|^2 <= 2 gap. Theirs stops further off than ours.
    np.testing.assert_allclose(ours[0], theirs, atol=2e-3)


def test_colour_has_its_edges_in_one_place(noisy: Tensor) -> None:
    """The channels are coupled: together they are not what each gives alone."""
    image = noisy[0].double()
    together = solved(image, 0.1, 1e-5).image
    alone = torch.cat([solved(image[c : c + 1], 0.1, 1e-5).image for c in range(3)])
    assert float((together - alone).abs().max()) > 0.02


def test_a_gap_that_is_not_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets an image that is not what the parameters say."""
    monkeypatch.setattr(_total_variation, "_MOST", 20)
    image = torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(0))
    with pytest.raises(DataError, match=r"gap of 1e-06.*after 20 iterations; use a larger"):
        solved(image, 1.0, 1e-6)
