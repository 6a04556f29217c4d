"""Patches to which many rows of an analysis dictionary are orthogonal: pursuit and learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._sliding import SIDE, averaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["learnt", "neighbour_differences", "patchwise_at", "pursued", "turned"]

_BLOCK = 256
"""So many patches at once: each holds up to as many orthonormal rows as it has numbers."""
_ORTHOGONAL = 1e-5
"""A row is orthogonal to a patch if their product is below this share of the patch's norm."""
_DEPENDENT = 1e-3
"""So little of a row is rounding: the row is a sum of those before it."""


def neighbour_differences(like: Tensor) -> Tensor:
    """Return the 112 differences of neighbours in patches of 8 x 8, `[112, 64]`, of norm 1."""
    import torch

    eye = torch.eye(SIDE)
    steps = (eye[1:] - eye[:-1]) / 2**0.5
    return torch.cat([torch.kron(steps, eye), torch.kron(eye, steps)]).to(like)


def pursued(
    patches: Tensor, rows: Tensor, *, limit: float = float("inf"), left: int = 0
) -> tuple[Tensor, Tensor]:
    """Return patches that more and more rows are orthogonal to (backward greedy).

    The row whose product with the patch is least is taken, and the patch is projected onto what is
    orthogonal to all that were taken, until the next would take it too far, or it lies in few
    enough dimensions.

    Args:
        patches: `[P, n]`.
        rows: `[p, n]`, of norm 1.
        limit: Of the squared distance to the patch as it came.
        left: In so many dimensions a patch may lie at the end.

    Returns:
        Projected patches `[P, n]`, and which rows each is orthogonal to, `[P, p]` bool.

    Reference: Rubinstein, Peleg, Elad, "Analysis K-SVD: a dictionary-learning algorithm for the
    analysis sparse model", 2013: the backward greedy algorithm.
    """
    import torch

    parts = [
        _pursued(some, rows, limit, patches.shape[1] - left)
        for some in torch.split(patches, _BLOCK)
    ]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _pursued(patches: Tensor, rows: Tensor, limit: float, rank: int) -> tuple[Tensor, Tensor]:
    import torch

    answer, orthogonal = patches.clone(), patches.new_zeros(len(patches), len(rows)).bool()
    small = _ORTHOGONAL * patches.norm(dim=1, keepdim=True)
    places, now = torch.arange(len(patches), device=patches.device), patches
    basis, moved = (
        patches.new_zeros(len(patches), rank, patches.shape[1]),
        patches.new_zeros(len(patches)),
    )
    taken = orthogonal.clone()
    for count in range(rank):
        scores = (now @ rows.T).abs()
        taken |= scores <= small[places]
        orthogonal[places] = taken
        least, best = scores.masked_fill(taken, float("inf")).min(1)
        unit = _orthogonal(rows[best], basis[:, :count])
        step = (now * unit).sum(1)
        moved = moved + step**2
        go = (moved <= limit) & least.isfinite()
        now = now - step[:, None] * unit
        taken[torch.arange(len(best)), best] = True
        basis[:, count] = unit
        if not bool(go.all()):
            places, now, basis = places[go], now[go], basis[go]
            moved, taken = moved[go], taken[go]
        answer[places], orthogonal[places] = now, taken
        if not len(places):
            break
    return answer, orthogonal


def _orthogonal(vectors: Tensor, basis: Tensor) -> Tensor:
    """Return `[P, n]` less its parts along `[P, k, n]`, of norm 1; 0 where that is rounding."""
    vectors = vectors - (basis.mT @ (basis @ vectors[:, :, None]))[..., 0]
    norms = vectors.norm(dim=1, keepdim=True)
    return vectors / norms.clamp(min=_DEPENDENT) * (norms > _DEPENDENT)  # type: ignore[no-any-return]


def learnt(patches: Tensor, rows: Tensor, *, limit: float, rounds: int) -> Tensor:
    """Return rows `[p, n]` that more patches are orthogonal to, or patches nearer (analysis K-SVD).

    Args:
        patches: `[P, n]` of mean 0.
        rows: `[p, n]` to begin with, of norm 1 and mean 0.
        limit: Of the squared distance of a patch from what the rows make of it.
        rounds: Turns of pursuing and of turning each row.
    """
    level = patches.new_full((patches.shape[1],), patches.shape[1] ** -0.5)
    for _ in range(rounds):
        made, orthogonal = pursued(patches, rows, limit=limit)
        # A patch of which nothing is left is orthogonal to everything, and tells rows nothing.
        orthogonal = orthogonal & (made.abs().amax(1) > 0)[:, None]
        rows = turned(patches, rows, orthogonal, besides=level)
    return rows


def turned(
    patches: Tensor, rows: Tensor, orthogonal: Tensor, *, besides: Tensor | None = None
) -> Tensor:
    """Return each row turned to where those patches have least power that are to be orthogonal to it.

    That is the eigenvector of the smallest eigenvalue of their Gram matrix. A row of fewer patches
    than they have numbers stays.

    Args:
        patches: `[P, n]`.
        rows: `[p, n]`.
        orthogonal: `[P, p]` bool.
        besides: `[n]` of norm 1, a direction that no patch has and no row is to have.

    Reference: Rubinstein, Peleg, Elad, 2013: the update of a row.
    """
    import torch

    fresh = rows.clone()
    for row, users in enumerate(orthogonal.T):
        if int(users.sum()) < patches.shape[1]:
            continue
        own = patches[users].double()
        gram = own.T @ own
        if besides is not None:
            gram += torch.outer(besides, besides).double() * gram.trace()
        fresh[row] = torch.linalg.eigh(gram)[1][:, 0].to(rows)
    return fresh


def patchwise_at(planes: Tensor, estimate: Callable[[Tensor], Tensor], step: int) -> Tensor:
    """Return what `patchwise` does, from every `step`-th patch each way; 1, 2, 4 or 8."""
    import torch
    from torch.nn.functional import fold, unfold

    def summed(strip: Tensor) -> Tensor:
        size = (strip.shape[2], strip.shape[3])
        columns = unfold(strip, SIDE, stride=step)
        means = columns.mean(1, keepdim=True)
        denoised = estimate((columns - means).mT.flatten(0, 1).contiguous())
        patches = denoised.reshape(columns.mT.shape).mT + means
        parts = (patches, torch.ones_like(columns))
        return torch.stack([fold(part, size, SIDE, stride=step) for part in parts])

    return averaged(planes, summed)
