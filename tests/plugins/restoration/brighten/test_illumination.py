"""LIME's refinement against brute force: loops for the weights, a dense system for the map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from adversity_plugins.restoration.brighten._illumination import edge_weights, refine

EPS = 1e-3


def _map(height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, height, width, dtype=torch.float64, generator=generator)


def _slow_weights(slopes: np.ndarray, sigma: float) -> np.ndarray:
    """Weighting strategy III, pixel by pixel, as the paper writes it."""
    radius = max(1, round(2.5 * sigma))
    line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    weights = np.empty_like(slopes)
    for y, x in np.ndindex(slopes.shape):
        total = signed = 0.0
        for v, u in np.ndindex(slopes.shape):
            if abs(v - y) <= radius and abs(u - x) <= radius:
                share = window[v - y + radius, u - x + radius]
                total += share
                signed += share * slopes[v, u]
        weights[y, x] = total / (abs(signed) + EPS) / (abs(slopes[y, x]) + EPS)
    return weights


def _slow_refine(initial: np.ndarray, alpha: float, sigma: float) -> np.ndarray:
    """Add one term an edge to a dense matrix and solve it."""
    height, width = initial.shape
    across = _slow_weights(np.diff(initial, axis=1), sigma)
    down = _slow_weights(np.diff(initial, axis=0), sigma)
    system = np.eye(height * width)
    edges = [(y, x, y, x + 1, across[y, x]) for y, x in np.ndindex(across.shape)]
    edges += [(y, x, y + 1, x, down[y, x]) for y, x in np.ndindex(down.shape)]
    for y, x, v, u, weight in edges:
        difference = np.zeros(height * width)
        difference[y * width + x], difference[v * width + u] = -1, 1
        system += alpha * weight * np.outer(difference, difference)
    return np.linalg.solve(system, initial.ravel()).reshape(initial.shape)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_weights_equal_the_slow_ones(sigma: float) -> None:
    """Windows that are smaller and larger than the image, borders included."""
    initial = _map(6, 9)
    down, across = edge_weights(initial, window_sigma=sigma)
    plain = initial[0].numpy()
    np.testing.assert_allclose(down[0], _slow_weights(np.diff(plain, axis=0), sigma), rtol=1e-9)
    np.testing.assert_allclose(across[0], _slow_weights(np.diff(plain, axis=1), sigma), rtol=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (6, 1), (2, 2), (2, 5), (7, 2), (8, 11)])
@pytest.mark.parametrize("alpha", [0.15, 10.0])
def test_refined_map_equals_a_dense_solve(size: tuple[int, int], alpha: float) -> None:
    """The sparse factorisation solves the same system as numpy.linalg.solve.

    Tolerance: float64 with a condition number up to alpha / EPS^2 = 1e7.
    """
    initial = _map(*size)
    refined = refine(initial, alpha=alpha, window_sigma=1.0)
    expected = _slow_refine(initial[0].numpy(), alpha, 1.0)
    np.testing.assert_allclose(refined[0], expected, atol=1e-8)


def test_the_layout_in_memory_is_nothing() -> None:
    """A map handed over transposed, and the gradient that comes back, have the dense map's values."""
    dense = _map(7, 11).transpose(1, 2).contiguous().requires_grad_()
    turned = _map(7, 11).requires_grad_()
    weights = _map(11, 7, seed=1)
    for given in (dense, turned.transpose(1, 2)):
        refined = refine(given, alpha=0.15, window_sigma=1.0)
        (refined.transpose(1, 2) * weights.transpose(1, 2).contiguous()).sum().backward()
        assert torch.equal(refined, refine(dense, alpha=0.15, window_sigma=1.0))
    assert dense.grad is not None
    assert turned.grad is not None
    assert torch.equal(dense.grad, turned.grad.transpose(1, 2))


def test_the_mean_is_kept_and_no_value_leaves_the_range() -> None:
    """Row sums of the system are 1: the mean stays; it is an M-matrix: extremes shrink."""
    initial = torch.cat([_map(12, 15, seed) for seed in (0, 1, 2)])
    refined = refine(initial, alpha=0.15, window_sigma=2.0)
    torch.testing.assert_close(refined.mean((1, 2)), initial.mean((1, 2)))
    assert (refined.amax((1, 2)) < initial.amax((1, 2))).all()
    assert (refined.amin((1, 2)) > initial.amin((1, 2))).all()


def test_no_smoothing_keeps_the_map_and_endless_smoothing_levels_it() -> None:
    """alpha to 0 gives the initial map, alpha to infinity its mean."""
    initial = _map(8, 8)
    kept = refine(initial, alpha=1e-12, window_sigma=2.0)
    torch.testing.assert_close(kept, initial, atol=1e-6, rtol=0)
    level = refine(initial, alpha=1e6, window_sigma=2.0)
    torch.testing.assert_close(level, initial.mean().expand_as(level), atol=1e-4, rtol=0)


def test_texture_is_smoothed_and_structure_is_kept() -> None:
    """Stripes lose nine tenths of their contrast; the step beside them keeps three quarters."""
    initial = torch.full((1, 16, 32), 0.2, dtype=torch.float64)
    initial[..., 16:] = 0.8
    initial[..., :12:2] += 0.05
    refined = refine(initial, alpha=0.15, window_sigma=2.0)
    stripes = refined[0, 8, 2:10]
    assert stripes.max() - stripes.min() < 0.1 * 0.05
    assert refined[0, 8, 20] - refined[0, 8, 11] > 0.75 * 0.6


def test_gradient_of_the_solution_is_exact() -> None:
    """torch's gradcheck in float64, through the weights and through the linear system."""
    initial = _map(4, 5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda given: refine(given, alpha=0.15, window_sigma=1.0), (initial,), eps=1e-7, atol=1e-5
    )
