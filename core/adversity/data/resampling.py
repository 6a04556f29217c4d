"""Draws with replacement, and folds: the same for the same samples, in whatever order they come.

Samples of one group (a patient, a video) are not independent: they are drawn together, and lie in
one fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["drawn", "units_of"]

Places = np.ndarray[Any, np.dtype[np.int64]]


def units_of(ids: Sequence[str], groups: Sequence[str | None]) -> list[Places]:
    """Return what is drawn as one, as places of samples, in an order that their names give.

    Args:
        ids: `[N]`.
        groups: `[N]`; a sample without a group is one by itself.

    Example:
        >>> [unit.tolist() for unit in units_of(["b", "a", "c"], ["x", None, "x"])]
        [[1], [0, 2]]
    """
    members: dict[tuple[bool, str], list[int]] = {}
    for place, (id_, group) in enumerate(zip(ids, groups, strict=True)):
        members.setdefault((group is not None, id_ if group is None else group), []).append(place)
    return [np.array(members[name], np.int64) for name in sorted(members)]


def drawn(units: Sequence[Places], generator: np.random.Generator) -> Places:
    """Draw as many units as there are, with replacement; return the places, ascending.

    One that is drawn twice is there twice.
    """
    chosen = generator.integers(len(units), size=len(units))
    places: Places = np.sort(np.concatenate([units[number] for number in chosen]))
    return places
