"""Least total variation with known pixels held: the primal-dual method, with its gap.

min TV(x) over x with x = y where known and 0 <= x <= 1 elsewhere, TV the sum over pixels of the
length of the forward differences, each channel by itself. The dual is, over fields p no longer
than 1, minus the support function of that set at the divergence of p; it is finite everywhere
because missing values have bounds, so that the gap is a bound on what is left to gain.

Reference: Chambolle and Pock, "A first-order primal-dual algorithm for convex problems with
applications to imaging", 2011, algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration._differences import adjoint, differences

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["duality_gap", "filled", "total_variation"]

_RATIO = 0.1
"""What the primal step is of the dual one, for a start near the end: measured, the gap after 200
iterations is a third of that of equal steps."""
_PRIMAL = _RATIO**0.5 * 8**-0.5
_DUAL = 1 / (8 * _PRIMAL)
"""Their product is at most one over the squared norm of the differences, which is below 8."""
_EVERY = 25
"""Iterations between two looks at the gap."""


def total_variation(images: Tensor) -> Tensor:
    """Return the sum over all pixels of the length of the differences, `[N]`."""
    return differences(images).square().sum(-3).sqrt().flatten(1).sum(1)


def duality_gap(images: Tensor, field: Tensor, given: Tensor, known: Tensor) -> Tensor:
    """Return how much the total variation may lie above its least value at most, `[N]`."""
    import torch

    push = -adjoint(field)
    support = torch.where(known, push * given, push.clamp(min=0))
    return total_variation(images) + support.flatten(1).sum(1)


def filled(
    given: Tensor, known: Tensor, start: Tensor, *, iterations: int, gap: float
) -> tuple[Tensor, Tensor]:
    """Return images of least total variation, and the dual field that says how near they are.

    Args:
        given: `[N, C, H, W]` in [0, 1].
        known: `[N, 1, H, W]` bool.
        start: Like `given`: missing pixels begin there.
        iterations: At most.
        gap: Stop when the gap is below this for each missing value.

    Returns:
        `[N, C, H, W]` within [0, 1], known pixels as given, and `[N, C, 2, H, W]`.
    """
    import torch

    missing = int((~known).sum()) * given.shape[1]
    images = torch.where(known, given, start)
    field = torch.zeros_like(differences(images))
    ahead = images
    for step in range(iterations):
        field = field + _DUAL * differences(ahead)
        field = field / field.square().sum(-3, keepdim=True).sqrt().clamp(min=1)
        moved = torch.where(known, given, (images - _PRIMAL * adjoint(field)).clamp(0, 1))
        ahead, images = 2 * moved - images, moved
        if step % _EVERY == _EVERY - 1:
            left = float(duality_gap(images, field, given, known).sum())
            if left <= gap * missing:
                break
    return images, field
