"""A sparsifying transform, learnt from patches in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def sparse(values: Tensor, limit: float) -> Tensor:
    """Return the values that are larger than the limit, in size; the others are 0."""
    return values * (values.abs() > limit)


def learnt(patches: Tensor, start: Tensor, *, limit: float, weight: float, rounds: int) -> Tensor:
    """Return a square transform W under which patches are sparse, and which is near orthonormal.

        min over W, Z of |W X - Z|^2 + limit^2 |Z|_0 + weight (|W|^2 / 2 - log |det W|)

    by turns: Z is W X without its small values, and W the minimum in closed form. Neither turn
    makes the objective larger.

    Args:
        patches: X, `[n, P]` float64.
        start: W at first, `[n, n]` float64.
        limit: Below which coefficients are 0.
        weight: Above 0; the larger, the better conditioned is W.
        rounds: How many turns of each.

    Reference: Ravishankar, Bresler, "Sparsifying transform learning with efficient optimal
    updates and convergence guarantees", 2015, section III; with |W|^2 / 2 orthonormal
    transforms have the least penalty, there those of half that power.
    """
    import torch

    eye = torch.eye(len(start), dtype=start.dtype, device=start.device)
    root = torch.linalg.cholesky(patches @ patches.T + weight / 2 * eye)
    transform = start
    for _ in range(rounds):
        codes = sparse(transform @ patches, limit)
        left, values, right = torch.linalg.svd(
            torch.linalg.solve_triangular(root, patches @ codes.T, upper=False)
        )
        grown = (values + (values**2 + 2 * weight).sqrt()) / 2
        turned = right.T @ (grown[:, None] * left.T)
        transform = torch.linalg.solve_triangular(root, turned, upper=False, left=False)
    return transform
