"""Which samples of two sides go together, and how sides may be dealt anew if they are alike.

A test that permutes is exact where every way to deal the samples is as likely as the one seen. Samples
of one group are no single draws, so a group goes as a whole. What is on both sides, an image before
and after a degradation, is no draw for each side either: its two parts are swapped, or they are not.
Both are permutations, so p-values are exact with any mixture of them.

Reference: B. Phipson, G. K. Smyth, "Permutation p-values should never be zero: calculating exact
p-values when permutations are randomly drawn", 2010, for (b + 1) / (m + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity.metrics.grouped import group_numbers
from adversity.metrics.predictions import floats_of, whole_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["TwoSides", "counted", "thinned", "two_feature_tables"]

_TIED = 1e-12
"""Statistics are about 1 at most: what rounding sets apart by so little counts as a tie."""

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class TwoSides:
    """The samples of two sides by unit: what is dealt as a whole.

    Attributes:
        units: `[n + m]` numbers from 0, those of the first side before those of the second.
        second: `[n + m]`, which of them are of the second side.
    """

    units: NDArray[np.int64]
    second: Flags

    @classmethod
    def of(cls, sizes: tuple[int, int], names: tuple[ArrayLike, ArrayLike] | None) -> TwoSides:
        """Number the units.

        Args:
            sizes: n and m.
            names: `[n]` and `[m]`; what has one name is one unit, within a side and across both.
                None as a name: a unit of its own. None in their place: all samples are.

        Raises:
            DataError: There is not one name for each sample.
        """
        second = np.repeat([False, True], sizes)
        if names is None:
            return cls(np.arange(len(second)), second)
        given = tuple(len(np.asarray(each, dtype=object)) for each in names)
        if given != tuple(sizes):
            raise DataError(
                f"expected a group, or None, for each of {sizes[0]} and {sizes[1]} samples, got "
                f"{given[0]} and {given[1]}"
            )
        together = np.concatenate([np.asarray(each, dtype=object) for each in names])
        return cls(group_numbers(together), second)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many samples of each side a unit has, `[2, U]`."""
        count = int(self.units.max()) + 1
        sides = (self.units[~self.second], self.units[self.second])
        return np.stack([np.bincount(side, minlength=count) for side in sides])

    @property
    def shared(self) -> int:
        """How many units have samples on both sides."""
        return int((self.sizes > 0).all(axis=0).sum())

    def at_most(self, most: int, rng: np.random.Generator) -> Flags:
        """Return which samples are kept, `[n + m]`: whole units, at most so many of either side.

        Raises:
            DataError: A side has none left, since its groups are larger than that.
        """
        sizes = self.sizes
        order = rng.permutation(sizes.shape[1])
        reached = np.empty_like(sizes)
        reached[:, order] = np.cumsum(sizes[:, order], axis=1)
        kept: Flags = ((sizes == 0) | (reached <= most)).all(axis=0)[self.units]
        if not (kept & self.second).any() or not (kept & ~self.second).any():
            raise DataError(
                f"expected groups of at most {most} samples, to take as many of either side, got "
                f"one of {int(sizes.max())}: allow for more samples"
            )
        return kept

    def halves(self, rng: np.random.Generator) -> Flags:
        """Return which samples are of the second half, `[n + m]`.

        Half of the units of each side alone, and half of those on both, rounded up.
        """
        there = self.sizes > 0
        numbers = (np.flatnonzero(there[0] & ~there[1]), np.flatnonzero(there[1] & ~there[0]))
        taken = np.zeros(there.shape[1], dtype=np.bool_)
        # Each part is dealt by the same draws, so that numbers alone decide, and not names.
        key = int(rng.integers(1 << 62))
        for part in (*numbers, np.flatnonzero(there.all(axis=0))):
            order = np.random.Generator(np.random.Philox(key)).permutation(len(part))
            taken[part[order[: (len(part) + 1) // 2]]] = True
        return taken[self.units]

    def dealt(self, count: int, rng: np.random.Generator) -> Flags:
        """Return so many ways to deal the samples, `[n + m, count]`: which are second then."""
        there = self.sizes > 0
        both: Flags = there[0] & there[1]
        labels = np.tile(there[1][~both], (count, 1))
        sides = np.zeros((len(both), count), dtype=np.bool_)
        sides[~both] = rng.permuted(labels, axis=1).T
        sides[both] = rng.random((int(both.sum()), count)) < 0.5
        rows = sides[self.units]
        swapped = both[self.units]
        rows[swapped] ^= self.second[swapped, None]
        return rows

    def said(self) -> str:
        """Say what is dealt, for a convention."""
        sizes, shared = self.sizes, self.shared
        what = "samples" if (sizes <= 1).all() else "groups"
        if shared == sizes.shape[1]:
            return f"sides swapped within {what}"
        return f"{what} dealt anew" + (f", {shared} of both sides swapped" if shared else "")


def thinned(
    sizes: tuple[int, int], groups: tuple[ArrayLike, ArrayLike] | None, *, most: int, seed: int = 0
) -> tuple[Flags, Flags]:
    """Return which samples of two sides are drawn, `[n]` and `[m]`: all where there are so few.

    Args:
        sizes: n and m.
        groups: Names of either side, `[n]` and `[m]`, None for a sample that is a group of its own;
            groups are drawn whole, and what is named on both sides is drawn on both.
        most: At most so many of either side.
        seed: Of the draw.

    Raises:
        DataError: There is not a group for each sample, or all groups of a side are larger.

    Example:
        >>> first, second = thinned((5, 2), None, most=3)
        >>> int(first.sum()), int(second.sum())
        (3, 2)
    """
    kept = np.ones(sum(sizes), dtype=np.bool_)
    if max(sizes) > most:
        sides = TwoSides.of(sizes, groups)
        kept = sides.at_most(most, np.random.Generator(np.random.Philox(seed)))
    return kept[: sizes[0]], kept[sizes[0] :]


def counted(seen: float, drawn: Floats) -> float:
    """Return the p-value of a statistic among those of random deals: (b + 1) / (m + 1).

    Args:
        seen: The statistic, large if the sides differ.
        drawn: `[m]`; NaN counts as larger.
    """
    reached = int((~(drawn < seen - _TIED)).sum())
    return (reached + 1) / (len(drawn) + 1)


def two_feature_tables(
    first: ArrayLike, second: ArrayLike, permutations: int
) -> tuple[Floats, Floats]:
    """Return both tables as float64 `[n, D]` and `[m, D]`; `[n]` counts as one number a sample.

    Raises:
        DataError: They do not fit, are empty or not finite, or no permutation is asked for.
    """
    whole_number(permutations, "permutations", low=1)
    tables = [floats_of(values, "features") for values in (first, second)]
    tables = [rows[:, None] if rows.ndim == 1 else rows for rows in tables]
    a, b = tables
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not a.shape[1]:
        raise DataError(
            f"expected features [n, D] and [m, D] of one network, got {list(a.shape)} and "
            f"{list(b.shape)}: give both tables the same columns"
        )
    if min(len(a), len(b)) < 2:
        raise DataError(f"expected 2 samples or more on each side, got {len(a)} and {len(b)}")
    for rows in tables:
        if not np.isfinite(rows).all():
            raise DataError(
                "expected finite features, got NaN or infinity: leave such samples out by id"
            )
    return a, b
