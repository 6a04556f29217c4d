"""Anchors among features and a linear map at each: what A+ learns.

Reference: Timofte, De Smet, Van Gool, "A+: Adjusted anchored neighborhood regression for fast
super-resolution", 2014, section 3; Aharon, Elad, Bruckstein, "K-SVD", 2006, for the anchors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np

__all__ = ["anchored", "anchors_of", "by_kind", "regressors_of", "ridge"]

_ROWS = 16_384
_AT_ONCE = 32


def anchors_of(
    features: Tensor, count: int, rng: np.random.Generator, *, turns: int = 20
) -> Tensor:
    """Return directions near which features lie: K-SVD with one coefficient for each of them.

    In turn, every feature goes to the direction with which its product is largest, whatever its
    sign, and every direction takes a step of the power method on those that came to it, so that
    the sum of squares that is left never grows. A direction to which none came takes the feature
    that is told worst.

    Args:
        features: `[P, d]`.
        count: K, at most P.
        rng: Draws the features to begin with.
        turns: How many.

    Returns:
        `[K, d]`, each of length 1.
    """
    chosen = torch.from_numpy(rng.choice(len(features), count, replace=False))
    atoms = _unit(features[chosen])
    for _ in range(turns):
        gains, nearest = anchored(features, atoms)
        moved = torch.zeros_like(atoms).index_add_(0, nearest, gains[:, None] * features)
        empty = (torch.bincount(nearest, minlength=count) == 0).nonzero()[:, 0]
        left = features.square().sum(1) - gains.square()
        moved[empty] = features[left.topk(len(empty)).indices]
        atoms = _unit(moved)
    return atoms


def anchored(features: Tensor, atoms: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest product of each feature with an atom, sign kept, and which atom it is."""
    gains, nearest = [], []
    for rows in torch.split(features, _ROWS):
        products = rows @ atoms.T
        best = products.abs().argmax(1, keepdim=True)
        gains.append(products.gather(1, best)[:, 0])
        nearest.append(best[:, 0])
    return torch.cat(gains), torch.cat(nearest)


def _unit(rows: Tensor) -> Tensor:
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return unit


def regressors_of(
    features: Tensor, details: Tensor, atoms: Tensor, *, neighbours: int, penalty: float
) -> Tensor:
    """Return the linear map at each anchor, by ridge regression on the features nearest to it.

    Features have length 1 and their details are divided by the same number; where it is below 0.1
    the detail is left as it is, so that noise in flat areas does not grow. A feature counts as near
    with its sign changed, too, as maps without a constant make no difference.

    Args:
        features: `[P, d]`.
        details: `[P, D]`.
        atoms: `[K, d]` of length 1.
        neighbours: How many features each map is learnt from.
        penalty: Of the squared entries of the map.

    Returns:
        `[K, D, d]` float32.
    """
    lengths = features.norm(dim=1, keepdim=True)
    shapes = features / lengths.clamp_min(1e-12)
    scaled = details / torch.where(lengths < 0.1, 1.0, lengths)
    kept = min(neighbours, len(features))
    maps = []
    for some in torch.split(atoms, _AT_ONCE):
        near = (some @ shapes.T).abs().topk(kept, dim=1).indices
        maps.append(ridge(shapes[near].double(), scaled[near].double(), penalty).float())
    return torch.cat(maps)


def ridge(inputs: Tensor, outputs: Tensor, penalty: float) -> Tensor:
    """Return the maps M with the least ||Y - X M'||^2 + penalty ||M||^2.

    Args:
        inputs: X `[..., P, d]`.
        outputs: Y `[..., P, D]`.
        penalty: Above 0.

    Returns:
        `[..., D, d]`.
    """
    inner = inputs.mT @ inputs
    inner = inner + penalty * torch.eye(inner.shape[-1], dtype=inner.dtype)
    maps: Tensor = torch.linalg.solve(inner, inputs.mT @ outputs).mT
    return maps


def by_kind(inputs: Tensor, kinds: Tensor, maps: Tensor) -> Tensor:
    """Return each row mapped by the map of its kind.

    Args:
        inputs: `[P, d]`.
        kinds: `[P]` int64 below K.
        maps: `[K, D, d]`.

    Returns:
        `[P, D]`.
    """
    outputs = inputs.new_empty(len(inputs), maps.shape[1])
    counts = torch.bincount(kinds, minlength=len(maps)).tolist()
    for kind, rows in enumerate(torch.split(kinds.argsort(stable=True), counts)):
        if len(rows):
            outputs[rows] = inputs[rows] @ maps[kind].T
    return outputs
