"""Radial maps are undone, and places between pixels are read, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from adversity.errors import DataError
from adversity_plugins.optics import radial


@pytest.mark.parametrize(
    "numbers",
    [(1.04, 0.018, -0.2275, 0.117, 0.0), (0.97, 0.0, 0.05, 0.0, 0.0), (1.0, 0.0, 0.13, 0.0, 0.05)],
)
def test_newton_finds_the_inverse(numbers: tuple[float, ...]) -> None:
    """Mapped again, every radius comes back to 1e-12; a bracketing solver finds the same."""
    from scipy.optimize import brentq

    radial.require_inverse(numbers, "a lens")
    radius = torch.linspace(0, 1, 41, dtype=torch.float64)
    found = radial.inverse(numbers, radius)
    torch.testing.assert_close(radial.mapped(numbers, found), radius, atol=1e-12, rtol=0)
    for r, ours in zip(radius.tolist(), found.tolist(), strict=True):
        theirs = brentq(lambda u, r=r: float(np.polyval([*numbers[::-1], 0], u)) - r, 0, 1.6)
        assert ours == pytest.approx(theirs, abs=1e-10)


def test_maps_that_fold_and_lenses_without_light_are_refused() -> None:
    """1 - r^2 / 2 turns at 0.82, before it comes to the corner."""
    with pytest.raises(DataError, match=r"turns at 0\.8\d of the way"):
        radial.require_inverse((1.0, 0.0, -0.5), "a lens")
    with pytest.raises(DataError, match=r"leaves light everywhere, got a factor of -0\.500"):
        radial.require_light((-1.5, 0.0, 0.0), "a lens")


def test_cubic_convolution_is_exact_on_a_parabola() -> None:
    """Keys' kernel with a = -0.5 reproduces polynomials of degree two, away from the border."""
    rows, columns = torch.arange(9.0).double()[:, None], torch.arange(11.0).double()
    image = (0.1 * rows**2 - 0.2 * rows * columns + 0.05 * columns**2)[None, None]
    at = 1.5 + 5 * torch.rand(
        2, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    expected = 0.1 * at[0] ** 2 - 0.2 * at[0] * at[1] + 0.05 * at[1] ** 2
    torch.testing.assert_close(radial.seen(image, *at)[0], expected, atol=1e-12, rtol=0)
