"""Patches as sums of a few atoms of a dictionary: orthogonal matching pursuit, many at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    from torch import Tensor

_LINE = 16
"""Cosines along each side: 256 atoms for 64 pixels."""

_BLOCK = 4096
"""So many patches at once."""

_ROUNDING = 1e-5
"""So little of an atom of norm 1 is no direction of its own."""

_RIDGE = 1e-12
"""What keeps atoms that depend on each other solvable."""

_USERS = 8
"""An atom that fewer patches took stays: it would learn their noise. On crops of 48 pixels that is
a decibel, on photos of 256 nothing."""


def overcomplete_cosines(like: Tensor) -> Tensor:
    """Return 256 atoms of 8 x 8, `[256, 64]`, of norm 1; all but the first have mean 0.

    Reference: Elad, Aharon, "Image denoising via sparse and redundant representations over
    learned dictionaries", 2006, figure 3.
    """
    import torch

    places, waves = torch.arange(SIDE).double(), torch.arange(_LINE).double()
    lines = torch.cos(math.pi * places * waves[:, None] / _LINE)
    lines[1:] -= lines[1:].mean(1, keepdim=True)
    lines = lines / lines.norm(dim=1, keepdim=True)
    return torch.kron(lines, lines).to(like)


def pursued(patches: Tensor, dictionary: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    """Return which atoms make each patch, and what they leave (orthogonal matching pursuit).

    The atom most like what is left is taken, and the patch is projected onto all that were taken
    (by Gram and Schmidt), until what is left is small enough.

    Args:
        patches: `[P, n]`.
        dictionary: `[K, n]`, rows of norm 1.
        limit: Of the squared norm of what is left. After n atoms that is nothing but rounding.

    Returns:
        Atoms `[P, S]` int64 in the order they were taken, -1 behind the last; what is left
        `[P, n]`. S is what the longest needs.

    Reference: Pati, Rezaiifar, Krishnaprasad, "Orthogonal matching pursuit", 1993.
    """
    import torch
    from torch.nn.functional import pad

    parts = [_pursued(some, dictionary, limit) for some in torch.split(patches, _BLOCK)]
    width = max(atoms.shape[1] for atoms, _ in parts)
    atoms = [pad(atoms, (0, width - atoms.shape[1]), value=-1) for atoms, _ in parts]
    return torch.cat(atoms), torch.cat([rest for _, rest in parts])


def _pursued(patches: Tensor, dictionary: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    """Return what `pursued` does, for so few patches that the processor has them at hand."""
    import torch

    rest = patches.clone()
    atoms = torch.full(patches.shape, -1, dtype=torch.int64, device=patches.device)
    places = torch.nonzero((rest**2).sum(1) > limit).flatten()
    left, basis, count = rest[places], rest.new_zeros(len(places), 0, rest.shape[1]), 0
    while len(places) and count < patches.shape[1]:
        best = (left @ dictionary.T).abs().argmax(1)
        atoms[places, count] = best
        basis = torch.cat([basis, _orthogonal(dictionary[best], basis)[:, None]], 1)
        left = left - basis[:, -1] * (left * basis[:, -1]).sum(1, keepdim=True)
        rest[places] = left
        more, count = (left**2).sum(1) > limit, count + 1
        if not bool(more.all()):
            places, left, basis = places[more], left[more], basis[more]
    return atoms[:, :count], rest


def _orthogonal(vectors: Tensor, basis: Tensor) -> Tensor:
    """Return `[P, n]` less its parts along `[P, k, n]`, twice, against rounding; of norm 1.

    0 where nothing but rounding is left: of a patch so strong that its noise is no more.
    """
    for _ in range(2):
        shares = basis @ vectors[:, :, None]
        vectors = vectors - (shares * basis).sum(1)
    norms = vectors.norm(dim=1, keepdim=True)
    unit: Tensor = vectors / norms * (norms > _ROUNDING)
    return unit.nan_to_num(0)


def coefficients(patches: Tensor, dictionary: Tensor, atoms: Tensor) -> Tensor:
    """Return the least-squares coefficients `[P, S]` of patches in the atoms taken for them.

    Args:
        patches: `[P, n]`.
        dictionary: `[K, n]`.
        atoms: `[P, S]`, -1 behind the last.
    """
    import torch

    values = patches.new_zeros(atoms.shape)
    counts = (atoms >= 0).sum(1)
    for count in range(1, atoms.shape[1] + 1):
        rows = torch.nonzero(counts == count).flatten()
        taken = dictionary[atoms[rows, :count]].double()
        right = taken @ patches[rows, :, None].double()
        gram = taken @ taken.mT
        gram.diagonal(dim1=1, dim2=2).add_(_RIDGE)
        values[rows, :count] = torch.linalg.solve(gram, right)[..., 0].to(values)
    return values


def learnt(patches: Tensor, dictionary: Tensor, *, limit: float, rounds: int) -> Tensor:
    """Return a dictionary `[K, n]` in which patches need fewer atoms (K-SVD).

    In turns patches are coded by `pursued`, and each atom is fitted to what those patches leave
    that took it, together with its coefficients, whose places stay: one step of the power
    method, which makes the error no larger. An atom that few patches took stays.

    Reference: Aharon, Elad, Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006; the step is that of Rubinstein, Zibulevsky,
    Elad, "Efficient implementation of the K-SVD algorithm", 2008, figure 5.
    """
    for _ in range(rounds):
        atoms, rest = pursued(patches, dictionary, limit)
        dictionary = fitted(dictionary, atoms, coefficients(patches, dictionary, atoms), rest)
    return dictionary


def fitted(dictionary: Tensor, atoms: Tensor, values: Tensor, rest: Tensor) -> Tensor:
    """Return the dictionary with each atom fitted in turn, others and places as they are."""
    import torch

    fresh, rest = dictionary.clone(), rest.clone()
    rows, columns = torch.nonzero(atoms >= 0, as_tuple=True)
    order = atoms[rows, columns].argsort(stable=True)
    rows, columns = rows[order], columns[order]
    counts = torch.bincount(atoms[rows, columns], minlength=len(fresh)).tolist()
    parts = zip(torch.split(rows, counts), torch.split(values[rows, columns], counts), strict=True)
    for atom, (users, shares) in enumerate(parts):
        if len(users) < _USERS or not bool(shares.any()):
            continue
        error = rest[users] + shares[:, None] * fresh[atom]
        turned = shares @ error
        fresh[atom] = turned / turned.norm()
        rest[users] = error - (error @ fresh[atom])[:, None] * fresh[atom]
    return fresh
