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

from dataclasses import dataclass
from functools import lru_cache
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
    rows = [_solve_one(factor, row) for factor, row in zip(factors, _arrays(right), strict=True)]
    return torch.from_numpy(np.stack(rows)).to(right)


def _solve_one(factor: SuperLU, row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    order = _pattern(*row.shape).order
    solved = np.empty(row.size, row.dtype)
    solved[order] = factor.solve(row.ravel()[order])
    return solved.reshape(row.shape)


def _factorise(down: np.ndarray[Any, Any], across: np.ndarray[Any, Any]) -> SuperLU:
    """Build the five-point system of one image and factorise it."""
    pattern = _pattern(across.shape[0], down.shape[1])
    weights = np.concatenate([down.ravel(), across.ravel()])
    both = np.concatenate([weights, weights])
    pixels = pattern.order.size
    diagonal = 1 + np.bincount(pattern.ends, weights=both, minlength=pixels)
    values = np.concatenate([-both, diagonal])[pattern.source]
    system = csc_array((values, pattern.indices, pattern.indptr), shape=(pixels, pixels))
    # Positive definite and scaled as it comes: neither pivoting nor equilibration is needed.
    # Small panels suit the small supernodes of a five-point system.
    return splu(
        system,
        permc_spec="NATURAL",
        diag_pivot_thresh=0.0,
        relax=4,
        panel_size=4,
        options={"SymmetricMode": True, "Equil": False},
    )


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Where the entries of the system stand, for all images of one size.

    Attributes:
        order: `[H * W]`, the pixels in the order of elimination.
        ends: The place of each edge's one end, then of each edge's other end.
        indices, indptr: The matrix by compressed columns.
        source: Which of the values (edges from both ends, then the diagonal) each entry is.
    """

    order: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    indices: np.ndarray[Any, Any]
    indptr: np.ndarray[Any, Any]
    source: np.ndarray[Any, Any]


@lru_cache(maxsize=2)  # about 100 bytes a pixel, and a run has one size
def _pattern(height: int, width: int) -> _Pattern:
    """Lay out the system for images of one size; the same for every image and step."""
    order = _nested_dissection(height, width)
    places = np.empty(order.size, dtype=np.int64)
    places[order] = np.arange(order.size)
    pixels = places.reshape(height, width)
    heads = np.concatenate([pixels[:-1].ravel(), pixels[:, :-1].ravel()])
    tails = np.concatenate([pixels[1:].ravel(), pixels[:, 1:].ravel()])
    rows = np.concatenate([heads, tails, np.arange(order.size)])
    columns = np.concatenate([tails, heads, np.arange(order.size)])
    numbered = csc_array((np.arange(rows.size), (rows, columns)), shape=(order.size, order.size))
    ends = np.concatenate([heads, tails])
    return _Pattern(order, ends, numbered.indices, numbered.indptr, numbered.data)


def _nested_dissection(height: int, width: int) -> np.ndarray[Any, Any]:
    """Order the pixels of an image for elimination: both halves, then the line between them.

    On a grid this keeps the fill of a factorisation within a constant of the least possible.
    SuperLU has no such ordering; its own, minimum degree, takes twice as long for 224 x 224.

    Reference: George, "Nested dissection of a regular finite element mesh", 1973.
    """
    parts: list[np.ndarray[Any, Any]] = []
    waiting = [np.arange(height * width).reshape(height, width)]
    while waiting:
        block = waiting.pop()
        rows, columns = block.shape
        if rows <= 2 and columns <= 2:
            parts.append(block.ravel())
        elif rows >= columns:
            waiting += [block[: rows // 2], block[rows // 2 + 1 :]]
            parts.append(block[rows // 2])
        else:
            waiting += [block[:, : columns // 2], block[:, columns // 2 + 1 :]]
            parts.append(block[:, columns // 2])
    return np.concatenate(parts)[::-1]
