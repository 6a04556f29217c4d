"""Deraining by direction: operators, optimality on a small problem, and planted rain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.medium._streaks import streaks
from adversity_plugins.degradation.medium.rain import Rain
from adversity_plugins.restoration.derain._layers import (
    _across_adjoint,
    _along_adjoint,
    across_rain,
    along_rain,
    rain_angle,
    rain_layer,
)
from adversity_plugins.restoration.derain.directional_sparse import DirectionalSparse


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("slant", [0.0, 0.3, -0.7, 1.0, -1.0])
def test_the_adjoints_are_adjoint(slant: float) -> None:
    """<D x, p> = <x, D' p>, along and across. Tolerance: float64."""
    lean = torch.tensor([slant, -slant], dtype=torch.float64)
    x, p, q = _random(2, 1, 7, 9), _random(2, 1, 6, 9, seed=1), _random(2, 1, 7, 8, seed=2)
    torch.testing.assert_close((along_rain(x, lean) * p).sum(), (x * _along_adjoint(p, lean)).sum())
    torch.testing.assert_close((across_rain(x) * q).sum(), (x * _across_adjoint(q)).sum())


def test_along_a_slant_of_one_a_diagonal_does_not_change() -> None:
    """Differences along the rain of a diagonal stripe are 0 where it is inside the image."""
    stripe = torch.eye(8)[None, None]
    assert along_rain(stripe, torch.tensor([1.0]))[..., :7].abs().max() == 0
    assert along_rain(stripe, torch.tensor([-1.0])).abs().max() == 1


@pytest.mark.parametrize("slant", [0.0, 0.5])
def test_the_layer_is_the_optimum_of_the_linear_programme(slant: float) -> None:
    """All terms are absolute values: SciPy's simplex finds the least sum, and so do we.

    Allowed: 1e-3 of the sum after 20 000 iterations.
    """
    luma, most = _random(1, 1, 5, 6), torch.full((1, 1, 5, 6), 0.6, dtype=torch.float64)
    lean = torch.tensor([slant], dtype=torch.float64)
    along, sparse = 0.7, 0.2
    layer = rain_layer(luma, most, lean, along=along, sparse=sparse, iterations=20_000)

    def value(one: Tensor) -> float:
        changes = along * along_rain(one, lean).abs().sum() + sparse * one.abs().sum()
        return float(changes + across_rain(luma - one).abs().sum())

    basis = torch.eye(30, dtype=torch.float64).reshape(30, 1, 5, 6)
    down = along_rain(basis, lean.expand(30)).flatten(1).T.numpy()
    across = across_rain(basis).flatten(1).T.numpy()
    best = _least(down, across, across_rain(luma).flatten().numpy(), along, sparse)
    assert value(layer) == pytest.approx(best, rel=1e-3)
    assert layer.min() >= 0
    assert layer.max() <= 0.6


def _least(down: Any, across: Any, edges: Any, along: float, sparse: float) -> float:
    """Return the least value: one bound variable for each absolute value."""
    count, rows, columns = 30, len(down), len(across)
    cost = np.concatenate([np.full(count, sparse), np.full(rows, along), np.ones(columns)])
    none_a, none_b = np.zeros((rows, columns)), np.zeros((columns, rows))
    bounds = np.block(
        [
            [down, -np.eye(rows), none_a],
            [-down, -np.eye(rows), none_a],
            [across, none_b, -np.eye(columns)],
            [-across, none_b, -np.eye(columns)],
        ]
    )
    right = np.concatenate([np.zeros(2 * rows), edges, -edges])
    ranges = [(0, 0.6)] * count + [(0, None)] * (rows + columns)
    return float(linprog(cost, A_ub=bounds, b_ub=right, bounds=ranges).fun)


def test_the_direction_of_planted_rain_is_found() -> None:
    """On a flat scene it is found to within a step of 2 degrees and a pixel over six rows."""
    names = [str(k) for k in range(12)]
    rng = SampleRng(seed=0, step="test", ids=names)
    layer = streaks(rng, 160, 160, density=2, length=0.2, strength=0.5)
    tilt = rng.child("streaks").child("tilt").uniform((1,)).flatten() * 40 - 20
    found = rain_angle(0.3 + layer, 30)
    assert (found - tilt).abs().max() <= 2 + math.degrees(math.atan(1 / 6))
    assert (found - tilt).abs().mean() < 4


def test_streaks_leave_photos_and_the_scene_stays(photos: Tensor) -> None:
    """PSNR rises on every photo; what is taken off is never more than the least channel."""
    rain = Rain(severity=4).degrade(photos, SampleRng(seed=0, step="test", ids="abc"))
    answer = DirectionalSparse().restore(rain.images)
    before, after = (
        -10 * (one - photos).square().mean((1, 2, 3)).log10()
        for one in (rain.images, answer.images)
    )
    assert (after > before + 1).all(), (before, after)
    assert (answer.found["rain"] <= rain.images.amin(1, keepdim=True) + 1e-6).all()
    torch.testing.assert_close(answer.images + answer.found["rain"], rain.images, atol=1e-6, rtol=0)


def test_a_given_angle_is_taken(photos: Tensor) -> None:
    """The parameter goes before what is found."""
    found = DirectionalSparse(angle=-12).restore(photos).found["angle"]
    assert found.tolist() == [-12.0] * 3
