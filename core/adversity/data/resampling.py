"""Draws with replacement, and folds: the same for the same samples, in whatever order they come.

Samples of one group (a patient, a video) are not independent: they are drawn together, and lie in
one fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["dealt", "drawn", "joined", "units_of"]

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


def joined(units: Sequence[Places], marks: Sequence[frozenset[str]]) -> list[Places]:
    """Join units of which samples have a mark in common: images that are one.

    Args:
        units: Places of samples, each in one unit.
        marks: `[N]`, what each sample is known by.

    Example:
        >>> units = [np.array([0]), np.array([1]), np.array([2])]
        >>> known = [frozenset("a"), frozenset("b"), frozenset("ac")]
        >>> [unit.tolist() for unit in joined(units, known)]
        [[0, 2], [1]]
    """
    root = list(range(len(units)))

    def top(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    owner: dict[str, int] = {}
    for number, unit in enumerate(units):
        for mark in sorted(mark for place in unit for mark in marks[place]):
            first, second = sorted((top(number), top(owner.setdefault(mark, number))))
            root[second] = first
    together: dict[int, list[Places]] = {}
    for number, unit in enumerate(units):
        together.setdefault(top(number), []).append(unit)
    return [np.sort(np.concatenate(parts)) for parts in together.values()]


def dealt(
    units: Sequence[Places],
    targets: np.ndarray[Any, Any],
    count: int,
    generator: np.random.Generator,
) -> Places:
    """Deal units into folds, as much of each class into each; return the fold `[N]`, from 0.

    The largest units first, those of one size by their classes, else in an order that is drawn; each
    goes where there is least of its classes, then where there is least at all. Where every sample is
    a unit, the folds differ by one sample at most, of each class and in all.

    Args:
        units: Places of samples, each in one unit; in an order that their names give.
        targets: `[N]` classes, -1 for none.
        count: How many folds; not more than units.
        generator: For the order.
    """
    width = int(targets.max(initial=-1)) + 2
    own = [np.bincount(targets[unit] + 1, minlength=width) for unit in units]
    order = sorted(
        generator.permutation(len(units)).tolist(),
        key=lambda number: (-len(units[number]), tuple(np.flatnonzero(own[number]))),
    )
    held, totals = np.zeros((count, width), np.int64), [0] * count
    folds: Places = np.zeros(len(targets), np.int64)
    for number in order:
        alike = (held @ own[number]).tolist()
        fold = min(range(count), key=lambda k: (alike[k], totals[k], k))
        folds[units[number]] = fold
        held[fold] += own[number]
        totals[fold] += len(units[number])
    return folds
