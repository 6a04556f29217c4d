"""The surface of least bending through the known pixels, solved exactly.

With L the Laplacian of the pixel grid, mirrored at the image's border, the missing values minimise
the sum of (L x)^2: (L L) x = 0 at each missing pixel, sparse, symmetric and positive definite.

Reference: Damelin and Hoang, "On surface completion and image inpainting by biharmonic functions:
numerical aspects", 2018.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_array, diags_array, eye_array, kron
from scipy.sparse.linalg import splu
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["filled"]


def filled(images: Tensor, known: Tensor) -> Tensor:
    """Return images whose missing pixels go on smoothly, not limited to [0, 1].

    Args:
        images: `[N, C, H, W]` float64.
        known: `[N, 1, H, W]` bool, with a known pixel in each image.

    Returns:
        `[N, C, H, W]` float64; linear in the known pixels, and so is the gradient.
    """
    solved: Tensor = _Fill.apply(images, known)
    return solved


class _Fill(torch.autograd.Function):
    """Solve B_hh x_h = -B_hk x_k; the gradient goes back by the transposed equations."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, known: Tensor) -> Tensor:
        ctx.save_for_backward(known)
        rows = []
        for image, mask in zip(_flat(images), known.flatten(1).cpu().numpy(), strict=True):
            out = image.copy()
            if not mask.all():
                inner, outer, factor = _parts(mask, *images.shape[2:])
                out[:, inner] = factor.solve(-(outer @ image[:, mask].T)).T
            rows.append(out)
        return _back(rows, images)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator's stub)
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None]:
        (known,) = ctx.saved_tensors
        rows = []
        for slope, mask in zip(_flat(gradient), known.flatten(1).cpu().numpy(), strict=True):
            out = slope.copy()
            if not mask.all():
                inner, outer, factor = _parts(mask, *gradient.shape[2:])
                out[:, mask] -= (outer.T @ factor.solve(slope[:, inner].T)).T
                out[:, inner] = 0
            rows.append(out)
        return _back(rows, gradient), None


def _flat(images: Tensor) -> Any:
    """Return `[N, C, H * W]` as an array."""
    return images.detach().flatten(2).cpu().numpy()


def _back(rows: list[Any], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(rows)).to(like).reshape(like.shape)


def _parts(known: Any, height: int, width: int) -> tuple[Any, Any, Any]:
    """Return where pixels are missing, B from the known to the missing, and B there, factorised."""
    bending = _bending(height, width)
    inner = np.flatnonzero(~known)
    rows = bending[inner]
    square = csc_array(rows[:, inner])
    factor = splu(square, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return inner, rows[:, np.flatnonzero(known)], factor


@lru_cache(maxsize=2)
def _bending(height: int, width: int) -> Any:
    """Return L L for images of one size, by compressed rows."""
    down = kron(_second(height), eye_array(width))
    across = kron(eye_array(height), _second(width))
    laplacian = (down + across).tocsr()
    return (laplacian @ laplacian).tocsr()


def _second(size: int) -> Any:
    """Return second differences along a line, mirrored at its ends: `[size, size]`."""
    if size == 1:
        return csc_array((1, 1))
    middle = np.full(size, -2.0)
    middle[[0, -1]] = -1
    beside = np.ones(size - 1)
    return diags_array([beside, middle, beside], offsets=[-1, 0, 1])
