"""The lasso of many patches in one dictionary, solved by active sets to the last digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from adversity.errors import DataError

__all__ = ["Lassos", "Refitted", "solved"]

_SLACK = 1e-6
"""By what share of the weight an optimality condition may be missed."""

_ROUNDING = 1e-7
"""Or by what share of a patch's norm: no more than rounding it to float32 may change."""

_RIDGE = 1e-9
"""What keeps atoms that depend on each other solvable."""

_TURNS = 2000

_SLOTS = 8
"""For so many atoms there is room at first, and for so many more each time it is not enough."""

_BLOCK = 1024
"""So many patches at once: their inverses, up to 64 x 64 each, must not outgrow the caches."""


class Lassos(torch.autograd.Function):
    """Patches `[P, n]` float64 rebuilt from their lassos, with the exact derivative.

    Where the atoms stay and their signs do, the answer is a projection less a constant.
    """

    @staticmethod
    def forward(context: Any, patches: Tensor, dictionary: Tensor, weight: float) -> Tensor:
        """Return `[P, n]`; the dictionary is `[K, n]` float64, with rows of norm 1."""
        return _coded(context, patches, dictionary, weight) @ dictionary

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient projected onto the atoms: a projection is its own transpose."""
        dictionary, codes = context.saved_tensors
        return _projected(gradients[0], codes, dictionary), None, None


class Refitted(Lassos):
    """Patches rebuilt by least squares from the atoms of their lassos; where those stay, a projection."""

    @staticmethod
    def forward(context: Any, patches: Tensor, dictionary: Tensor, weight: float) -> Tensor:
        """Return `[P, n]`; the dictionary is `[K, n]` float64, with rows of norm 1."""
        return _projected(patches, _coded(context, patches, dictionary, weight), dictionary)


def _coded(context: Any, patches: Tensor, dictionary: Tensor, weight: float) -> Tensor:
    """Return the codes `[P, K]` of the lassos, which the derivative needs, too."""
    codes = torch.cat([solved(some, dictionary, weight) for some in torch.split(patches, _BLOCK)])
    context.save_for_backward(dictionary, codes)
    return codes


def _projected(vectors: Tensor, codes: Tensor, dictionary: Tensor) -> Tensor:
    """Return `[P, n]` projected onto the atoms whose codes `[P, K]` are not 0 (least squares)."""
    parts = zip(torch.split(vectors, _BLOCK), torch.split(codes, _BLOCK), strict=True)
    return torch.cat([_projected_at_once(some, its != 0, dictionary) for some, its in parts])


def _projected_at_once(vectors: Tensor, used: Tensor, dictionary: Tensor) -> Tensor:
    """Return what `_projected` does, for so few vectors that the processor has them at hand."""
    atoms = used.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    atoms = atoms[:, : max(1, int(used.sum(1).max()))]
    taken = dictionary[atoms] * used.gather(1, atoms)[..., None]
    gram = taken @ taken.mT
    gram.diagonal(dim1=1, dim2=2).add_(torch.where(used.gather(1, atoms), _RIDGE, 1.0))
    step = torch.linalg.solve(gram, taken @ vectors[..., None])
    fitted: Tensor = (taken.mT @ step)[..., 0]
    return fitted


def solved(patches: Tensor, dictionary: Tensor, weight: float) -> Tensor:
    """Return argmin_z |patch - z D|^2 / 2 + weight * |z|_1 for each patch, `[P, K]`.

    The atom that misses its condition by most is let in, and the minimum of those that are in
    is gone to; where a coefficient comes to 0 on the way its atom is let out. The objective
    falls with each turn, so that no set of atoms comes twice.

    Args:
        patches: `[P, n]` float64.
        dictionary: D, `[K, n]` float64, rows of norm 1.
        weight: Above 0.

    Raises:
        DataError: If a condition is still missed after very many turns.

    Reference: Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", 2007 (feature-sign
    search). They go to the best of all points where a sign changes, we to the first.
    """
    codes = patches.new_zeros(len(patches), len(dictionary))
    slack = _SLACK * weight + _ROUNDING * patches.norm(dim=1)
    places = torch.arange(len(patches), device=patches.device)
    active = _Active.none(patches, dictionary)
    for _ in range(_TURNS):
        scores = (patches[places] - active.codes() @ dictionary) @ dictionary.T
        most, best = scores.abs().max(1)
        settled = active.slope(scores, weight).abs().amax(1) <= slack[places]
        ready = settled & (most <= weight + slack[places])
        if bool(ready.any()):
            codes[places[ready]] = active.at(ready).codes()
            more = ~ready
            places, active, scores = places[more], active.at(more), scores[more]
            settled, best = settled[more], best[more]
        if not len(places):
            return codes
        active.let_in(settled, best, scores)
        active.advance(active.slope(scores, weight))
    raise DataError(
        f"lasso: expected its conditions within {_SLACK:g} of the weight after {_TURNS} turns, "
        f"{len(places)} patches miss one; use a larger weight"
    )


@dataclass(slots=True)
class _Active:
    """Which atoms patches have, in slots, and the inverse of the Gram matrix of those atoms.

    Attributes:
        gram: Of the dictionary, `[K, K]`.
        atoms: `[P, S]` int64; what an empty slot holds means nothing.
        signs: `[P, S]`, -1 or 1; 0 in an empty slot.
        values: `[P, S]`, 0 in an empty slot.
        inverse: `[P, S, S]`, 0 in the rows and columns of empty slots.
    """

    gram: Tensor
    atoms: Tensor
    signs: Tensor
    values: Tensor
    inverse: Tensor

    @classmethod
    def none(cls, patches: Tensor, dictionary: Tensor) -> _Active:
        """Return empty slots for patches `[P, n]`."""
        empty = patches.new_zeros(len(patches), _SLOTS)
        squares = patches.new_zeros(len(patches), _SLOTS, _SLOTS)
        return cls(dictionary @ dictionary.T, empty.long(), empty, empty, squares)

    def at(self, rows: Tensor) -> _Active:
        """Return those of some patches."""
        parts = (self.atoms, self.signs, self.values, self.inverse)
        return _Active(self.gram, *(part[rows] for part in parts))

    def codes(self) -> Tensor:
        """Return coefficients `[P, K]`."""
        return self.values.new_zeros(len(self.values), len(self.gram)).scatter_add_(
            1, self.atoms, self.values
        )

    def slope(self, scores: Tensor, weight: float) -> Tensor:
        """Return how fast the objective falls in each coefficient that is in, `[P, S]`."""
        return (scores.gather(1, self.atoms) - weight * self.signs) * self.signs.abs()

    def let_in(self, which: Tensor, best: Tensor, scores: Tensor) -> None:
        """Let the atom `best` `[P]` into patches `which` `[P]`, with the sign of its score."""
        if bool((self.signs[which] != 0).all(1).any()):
            self._widen()
        rows, atom = torch.nonzero(which).flatten(), best[which]
        slot = (self.signs[rows] == 0).to(torch.uint8).argmax(1)
        # Of all, since most let one in: to gather the inverses of some costs as much as the sums.
        shared = self.gram[best[:, None], self.atoms] * self.signs.abs() * which[:, None]
        turned = (self.inverse @ shared[..., None])[..., 0]
        rest = (1 - (shared * turned).sum(1, keepdim=True)).clamp(min=_RIDGE)
        turned[rows, slot] = -1
        self.inverse.baddbmm_(turned[:, :, None], (turned / rest)[:, None])
        self.atoms[rows, slot] = atom
        self.signs[rows, slot] = scores[rows, atom].sign()

    def advance(self, slope: Tensor) -> None:
        """Go to the minimum of the atoms that are in, or up to the first coefficient of 0."""
        step = (self.inverse @ slope[..., None])[..., 0]
        turns = (self.values + step) * self.signs < 0
        shares, slots = torch.where(turns, self.values / -step, 1).min(1)
        self.values = self.values + shares[:, None] * step
        rows = torch.nonzero(turns.any(1)).flatten()
        slots = slots[rows]
        column = self.inverse[rows, :, slots]
        scale = column / column[torch.arange(len(rows)), slots, None]
        self.inverse[rows] -= column[:, :, None] * scale[:, None]
        self.inverse[rows, :, slots] = 0
        self.inverse[rows, slots] = 0
        self.values[rows, slots] = 0
        self.signs[rows, slots] = 0

    def _widen(self) -> None:
        """Add slots."""
        more = _SLOTS
        self.atoms, self.signs, self.values = (
            pad(part, (0, more)) for part in (self.atoms, self.signs, self.values)
        )
        self.inverse = pad(self.inverse, (0, more, 0, more))
