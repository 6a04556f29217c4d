"""Trees as boxes: what leaves a box of images can still reach, exactly in float32.

A box says of some values between which two they lie, both float32 and both inside; it is a
dictionary from the value's number to `(low, high)`, and all others are free in [0, 1]. As
images are float32, `x <= threshold` is `x <= high`, the largest float32 that is not above the
threshold, and `x > threshold` is `x >= low`, the next one: no rounding is left to think of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import Norm
    from adversity.contracts.structure import Tree, Trees

__all__ = ["Box", "Boxed", "Grove", "Seen"]

Array = np.ndarray[Any, Any]
Box = dict[int, tuple[float, float]]
_FREE = (0.0, 1.0)
_ROUNDING = 1e-9
"""Relative: a failure must be nearer by more than this to count as nearer. Adding and taking
away squares rounds, and on pixels of few levels many boxes are equally far."""
_ORDER = 1e-9
"""Relative to the scores: what adding the trees in another order may round."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An image, and how distances from it are counted.

    Attributes:
        image: `[D]`.
        norm: Of the distances.
    """

    image: list[float]
    norm: Norm

    def gap(self, feature: int, low: float, high: float) -> float:
        """Return how far a value has to move to lie between two others."""
        at = self.image[feature]
        if at < low:
            return low - at
        return at - high if at > high else 0.0

    def far(self, box: Box) -> float:
        """Return how far the nearest point of a box is, rounded once."""
        gaps = [self.gap(feature, *span) for feature, span in box.items()]
        if self.norm == "linf":
            return max(gaps, default=0.0)
        if self.norm == "l1":
            return math.fsum(gaps)
        return math.sqrt(math.fsum(gap * gap for gap in gaps))

    def spent(self, distance: float) -> float:
        """Return a distance as what values add to: in l2 its square."""
        return distance * distance if self.norm == "l2" else distance

    def with_(self, spent: float, before: float, after: float) -> float:
        """Return what is spent when one value's way grows."""
        if before == after:
            return spent
        if self.norm == "linf":
            return max(spent, after)
        return spent - self.spent(before) + self.spent(after)


class Boxed:
    """One tree, whose thresholds are pairs of neighbouring float32 values.

    Attributes:
        value: `[M, K]`, what a leaf adds to the scores.
        leaves: The leaves' numbers.
    """

    def __init__(self, tree: Tree) -> None:
        """Take the tree as plain lists: a search visits it one node at a time."""
        below = tree.threshold.astype(np.float32)
        down = np.nextafter(below, np.float32(-np.inf))
        below = np.where(below.astype(np.float64) > tree.threshold, down, below)
        self._feature: list[int] = tree.feature.tolist()
        self._below: list[float] = below.astype(np.float64).tolist()
        above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
        self._above: list[float] = above.tolist()
        self._left: list[int] = tree.left.tolist()
        self._right: list[int] = tree.right.tolist()
        self.value: Array = tree.value
        self.leaves = np.flatnonzero(tree.feature < 0)

    def leaf(self, seen: Seen, box: Box) -> int:
        """Return the leaf of the point of a box that is nearest to an image."""
        node = 0
        while self._feature[node] >= 0:
            feature = self._feature[node]
            low, high = box.get(feature, _FREE)
            at = min(max(seen.image[feature], low), high)
            node = self._left[node] if at <= self._below[node] else self._right[node]
        return node

    def reachable(self, seen: Seen, box: Box, reach: float) -> Iterator[tuple[int, Box]]:
        """Yield the leaves that a box can reach, each with what it narrows.

        Args:
            seen: The image.
            box: Where the point may lie.
            reach: What is as far as this is left out.
        """
        most = seen.spent(reach) * (1 - _ROUNDING)
        waiting: list[tuple[int, Box, float]] = [(0, {}, seen.spent(seen.far(box)))]
        while waiting:
            node, narrowed, spent = waiting.pop()
            feature = self._feature[node]
            if feature < 0:
                yield node, narrowed
                continue
            span = narrowed.get(feature) or box.get(feature, _FREE)
            low, high = span
            above, below = self._above[node], self._below[node]
            if low >= above:
                waiting.append((self._right[node], narrowed, spent))
            elif high <= below:
                waiting.append((self._left[node], narrowed, spent))
            else:
                before = seen.gap(feature, low, high)
                for child, part in (
                    (self._right[node], (above, high)),
                    (self._left[node], (low, below)),
                ):
                    total = seen.with_(spent, before, seen.gap(feature, *part))
                    if total < most:
                        waiting.append((child, narrowed | {feature: part}, total))


class Grove:
    """All trees together: the scores of a point, and what a box can still be worth.

    Attributes:
        trees: Those first that can turn the scores furthest.
        base: `[K]`, the scores before the first tree.
    """

    def __init__(self, structure: Trees) -> None:
        """Take the trees."""
        self._given = [Boxed(tree) for tree in structure.trees]
        spread = [float(np.ptp(tree.value[tree.leaves], axis=0).max()) for tree in self._given]
        order = sorted(range(len(spread)), key=lambda number: -spread[number])
        self.trees = [self._given[number] for number in order]
        self.base = structure.base

    def scores(self, seen: Seen, box: Box) -> Array:
        """Return `[K]` of the point of a box that is nearest to an image.

        The leaves are added in the structure's own order, so that they round alike.
        """
        scores = self.base.copy()
        for tree in self._given:
            scores += tree.value[tree.leaf(seen, box)]
        return scores

    def verdict(self, seen: Seen, box: Box) -> int:
        """Return the class of the point of a box that is nearest to an image."""
        return int(self.scores(seen, box).argmax())

    def hopes(
        self, scores: Array, depth: int, *, own: int, seen: Seen, box: Box, reach: float
    ) -> bool:
        """Return whether some other class may draw level with `own` in a box.

        Args:
            scores: `[K]`, base and the leaves of the trees before `depth`.
            depth: From which tree on the leaf is open.
            own: The class.
            seen: The image.
            box: Where the point may lie.
            reach: How far it may be.
        """
        lead = scores - scores[own] + _ORDER * (1 + float(np.abs(scores).max()))
        for tree in self.trees[depth:]:
            leaves = [leaf for leaf, _ in tree.reachable(seen, box, reach)]
            if not leaves:
                return False
            values = tree.value[leaves]
            lead += (values - values[:, own : own + 1]).max(0)
        lead[own] = -1.0
        return bool((lead >= 0).any())
