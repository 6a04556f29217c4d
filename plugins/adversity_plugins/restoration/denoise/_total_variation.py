"""The dual of total-variation denoising, solved until the duality gap is small."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity_plugins.restoration._differences import adjoint, differences

if TYPE_CHECKING:
    from torch import Tensor

_EVERY = 10
"""So many iterations between two looks at the gap, and between two states that are kept for the
backward pass, which computes the others again."""

_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Solved:
    """The image, and how far its objective can be from the least.

    Attributes:
        image: `[C, H, W]`.
        gap: Primal minus dual objective, as a share of the primal.
        iterations: How many it took.
    """

    image: Tensor
    gap: float
    iterations: int


def solved(image: Tensor, weight: float, tolerance: float) -> Solved:
    """Return argmin_x |x - image|^2 / 2 + weight * TV(x), for `[C, H, W]`.

    TV is the sum over pixels of the Euclidean norm of all forward differences, down and right
    and in every channel; those across the border are 0. The dual is solved by the accelerated
    projected gradient.

    Args:
        image: What is denoised; differentiable in it, through the iterations.
        weight: Above 0.
        tolerance: Where the gap, as a share of the primal objective, is small enough.

    Raises:
        DataError: If the gap does not become so small.

    Reference: Beck, Teboulle, "Fast gradient-based algorithms for constrained total variation
    image denoising and deblurring problems", 2009, algorithm FGP.
    """
    import torch

    tracked = torch.is_grad_enabled() and image.requires_grad
    duals = torch.zeros_like(differences(image.detach()))
    ahead, momentum = duals, 1.0
    for done in range(_EVERY, _MOST + 1, _EVERY):
        duals, ahead, momentum = _advanced(image, weight, (duals, ahead, momentum), tracked=tracked)
        with torch.no_grad():
            gap = relative_gap(image, duals, weight)
        if gap <= tolerance:
            return Solved(image - weight * adjoint(duals), gap, done)
    raise DataError(
        f"total_variation: expected a duality gap of {tolerance:g} of the objective or less, got "
        f"{gap:.2g} after {_MOST} iterations; use a larger tolerance"
    )


def _advanced(
    image: Tensor, weight: float, state: tuple[Tensor, Tensor, float], *, tracked: bool
) -> tuple[Tensor, Tensor, float]:
    """Return the dual, its extrapolation and the momentum after so many iterations."""
    from torch.utils.checkpoint import checkpoint

    duals, ahead, start = state
    momenta = [start]
    for _ in range(_EVERY):
        momenta.append((1 + (1 + 4 * momenta[-1] ** 2) ** 0.5) / 2)

    def several(image: Tensor, duals: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
        for now, then in pairwise(momenta):
            # 8 bounds the squared norm of the differences.
            slope = differences(image / weight - adjoint(ahead))
            before, duals = duals, _projected(ahead + slope / 8)
            ahead = duals + (now - 1) / then * (duals - before)
        return duals, ahead

    if tracked:
        duals, ahead = checkpoint(several, image, duals, ahead, use_reentrant=False)
    else:
        duals, ahead = several(image, duals, ahead)
    return duals, ahead, momenta[-1]


def _projected(duals: Tensor) -> Tensor:
    """Shorten the vector of each pixel to length 1; the square root is never that of 0."""
    return duals / _squares(duals).clamp(min=1).sqrt()


def _squares(vectors: Tensor) -> Tensor:
    """Return the squared length of each pixel's vector, `[H, W]`."""
    return (vectors * vectors).flatten(0, 1).sum(0)


def relative_gap(image: Tensor, duals: Tensor, weight: float) -> float:
    """Return primal minus dual objective as a share of the primal, 0 where all is 0.

    With x = image - weight * adjoint(duals) it is weight * sum(|grad x| - grad x . duals), which
    no rounding makes negative by much.
    """
    change = weight * adjoint(duals).double()
    slopes = differences(image.double() - change)
    lengths = _squares(slopes).sqrt()
    gap = weight * float((lengths - (slopes * duals).sum((0, 1))).sum())
    primal = float((change**2).sum()) / 2 + weight * float(lengths.sum())
    return gap / primal if primal > 0 else 0.0
