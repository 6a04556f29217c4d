"""The illumination map of LIME: smooth everywhere but across the map's own structure.

`refine` minimises, over T, with the initial map T0 and forward differences inside the image,

    sum_x (T - T0)^2 + alpha * sum_x sum_d W_d (grad_d T)^2 / (|grad_d T0| + eps),

whose minimum solves (I + D' diag(w) D) T = T0, sparse, symmetric and positive definite.

Reference: Guo, Li, Ling, "LIME: Low-light image enhancement via illumination map
estimation", 2017, section II (sped-up solver, weighting strategy III); the
windowed weights go back to Xu, Yan, Xia, Jia, "Structure extraction from texture via
relative total variation", 2012.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_array
from scipy.sparse.linalg import SuperLU, splu
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["edge_weights", "refine"]

_EPS = 1e-3


def refine(initial: Tensor, *, alpha: float, window_sigma: float) -> Tensor:
    """Return the refined illumination, exact and differentiable.

    Args:
        initial: `[N, H, W]` float64 in [0, 1].
        alpha: Strength of the smoothing.
        window_sigma: Width in pixels of the Gaussian window of the weights.

    Returns:
        `[N, H, W]` float64, within the range of `initial` for each image.
    """
    down, across = edge_weights(initial, window_sigma=window_sigma)
    solved: Tensor = _Solve.apply(initial, alpha * down, alpha * across)
    return solved


def edge_weights(initial: Tensor, *, window_sigma: float) -> tuple[Tensor, Tensor]:
    """Weigh each edge between neighbours: little across structure, much in texture.

    Args:
        initial: `[N, H, W]` float64.
        window_sigma: Width in pixels of the Gaussian window.

    Returns:
        Weights of vertical `[N, H-1, W]` and horizontal `[N, H, W-1]` neighbours.
    """
    return (
        _directional(initial.diff(dim=1), window_sigma),
        _directional(initial.diff(dim=2), window_sigma),
    )


def _directional(slopes: Tensor, window_sigma: float) -> Tensor:
    """Return W_d / (|grad_d| + eps); the window is cut off at the image's border."""
    if 0 in slopes.shape:
        return slopes
    inside = _window(torch.ones_like(slopes), window_sigma)
    return inside / (_window(slopes, window_sigma).abs() + _EPS) / (slopes.abs() + _EPS)


def _window(values: Tensor, window_sigma: float) -> Tensor:
    """Sum over a Gaussian window of 2.5 sigma on each side; outside counts nothing."""
    radius = max(1, round(2.5 * window_sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=values.dtype, device=values.device)
    line = torch.exp(-0.5 * (offsets / window_sigma) ** 2)
    line = line / line.sum()
    planes = functional.conv2d(values.unsqueeze(1), line.view(1, 1, -1, 1), padding=(radius, 0))
    planes = functional.conv2d(planes, line.view(1, 1, 1, -1), padding=(0, radius))
    return planes.squeeze(1)


class _Solve(torch.autograd.Function):
    """Solve (I + D' diag(w) D) T = T0 for each image, on the CPU.

    With g the incoming gradient and u = A^-1 g (A is symmetric), the gradient is u for T0
    and -(D u) * (D T) for w.
    """

    @staticmethod
    def forward(ctx: Any, initial: Tensor, down: Tensor, across: Tensor) -> Tensor:
        edges = zip(_arrays(down), _arrays(across), strict=True)
        factors = [_factorise(*pair) for pair in edges]
        solved = _solve_each(factors, initial)
        ctx.factors = factors
        ctx.save_for_backward(solved)
        return solved

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator's stub)
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        (solved,) = ctx.saved_tensors
        adjoint = _solve_each(ctx.factors, gradient)
        return (
            adjoint,
            -adjoint.diff(dim=1) * solved.diff(dim=1),
            -adjoint.diff(dim=2) * solved.diff(dim=2),
        )


def _arrays(tensor: Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = tensor.detach().cpu().numpy()
    return array


def _solve_each(factors: list[SuperLU], right: Tensor) -> Tensor:
    rows = [
        factor.solve(row.ravel()).reshape(row.shape)
        for factor, row in zip(factors, _arrays(right), strict=True)
    ]
    return torch.from_numpy(np.stack(rows)).to(right)


def _factorise(down: np.ndarray[Any, Any], across: np.ndarray[Any, Any]) -> SuperLU:
    """Build the five-point system of one image and factorise it."""
    height, width = across.shape[0], down.shape[1]
    pixels = np.arange(height * width).reshape(height, width)
    heads = np.concatenate([pixels[:-1].ravel(), pixels[:, :-1].ravel()])
    tails = np.concatenate([pixels[1:].ravel(), pixels[:, 1:].ravel()])
    weights = np.concatenate([down.ravel(), across.ravel()])
    ends, both = np.concatenate([heads, tails]), np.concatenate([weights, weights])
    diagonal = 1 + np.bincount(ends, weights=both, minlength=pixels.size)
    rows = np.concatenate([ends, pixels.ravel()])
    columns = np.concatenate([tails, heads, pixels.ravel()])
    values = np.concatenate([-both, diagonal])
    system = csc_array((values, (rows, columns)), shape=(pixels.size, pixels.size))
    # Positive definite, so no pivoting is needed; the ordering keeps the fill small.
    return splu(
        system,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
