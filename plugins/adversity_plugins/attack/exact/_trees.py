"""The nearest failure of trees: boxes in which leaves are fixed, looked at nearest first.

A box is as near as its nearest point. Where the victim answers otherwise at that point, nothing
in the box is nearer; where it does not, the next tree's leaves divide the box. The first
failure met in this order is the nearest of all.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity_plugins.attack.exact._boxes import Box, Grove, Seen
from adversity_plugins.attack.exact._linear import length
from adversity_plugins.attack.exact._solution import Solution, wins

if TYPE_CHECKING:
    from adversity import Norm
    from adversity.contracts.structure import Trees

__all__ = ["TreesSolver"]

Array = np.ndarray[Any, Any]

_FIRST = {"linf": 1 / 64, "l2": 1 / 16, "l1": 1 / 8}
"""How far the first search goes."""
_GROWTH = 1.5
"""How much further each search goes than the one before."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A box, and the scores of the `depth` trees whose leaves it fixes."""

    box: Box
    depth: int
    scores: Array


class TreesSolver:
    """Trees in one norm."""

    def __init__(self, structure: Trees, *, norm: Norm, limit: float, max_nodes: int) -> None:
        """Take the trees.

        Args:
            structure: The trees.
            norm: In which failures are near.
            limit: Nothing further is looked for.
            max_nodes: Boxes to look at, at most.
        """
        self._grove = Grove(structure)
        self._norm, self._limit, self._max_nodes = norm, limit, max_nodes

    def verdict(self, point: Array) -> int:
        """Return the class of `[D]` float32."""
        return int(self._scores(point).argmax())

    def allows(self, point: Array, answer: int) -> bool:
        """Return whether `answer` has the highest score."""
        return wins(self._scores(point), answer)

    def _scores(self, point: Array) -> Array:
        return self._grove.scores(Seen(point.astype(np.float64).tolist(), self._norm), {})

    def search(self, image: Array, own: int) -> Solution:
        """Search within a small distance, then within larger ones, until there is a failure.

        The smaller the distance, the fewer leaves can be reached and the more boxes are given
        up at once; what the smaller ones cost is little beside the last.
        """
        seen = Seen(image.tolist(), self._norm)
        most = float(np.nextafter(self._limit, np.inf))
        known = self._dive(seen, own)
        if known is not None:
            most = min(most, seen.far(known))
            known = known if seen.far(known) <= self._limit else None
        # Nothing is further than across the box [0, 1], so that the searches come to an end.
        widest = length(np.ones_like(image), self._norm)
        reach, left, bound = min(_FIRST[self._norm], most), self._max_nodes, 0.0
        while True:
            looked, nearest, box = self._within(seen, own, reach, left)
            left, bound = left - looked, max(bound, nearest)
            if box is not None:
                return _solution(image, box, bound, proved=True)
            if nearest < reach or reach == most:
                return _solution(image, known, min(bound, self._limit), proved=nearest == most)
            reach = min(_GROWTH * reach, most) if reach < widest else most

    def _within(
        self, seen: Seen, own: int, reach: float, nodes: int
    ) -> tuple[int, float, Box | None]:
        """Look at boxes nearer than `reach`, nearest first.

        Returns:
            How many were looked at, a distance within which there is no failure (`reach` where
            none was left), and the box of the nearest failure.
        """
        count = itertools.count()
        waiting = [(0.0, next(count), _Node({}, 0, self._grove.base))]
        looked = 0
        while waiting:
            far, _, node = heapq.heappop(waiting)
            if looked == nodes:
                return looked, far, None
            looked += 1
            if self._grove.verdict(seen, node.box) != own:
                return looked, far, node.box
            for child in self._children(seen, own, node, reach):
                heapq.heappush(waiting, (seen.far(child.box), next(count), child))
        return looked, reach, None

    def _children(self, seen: Seen, own: int, node: _Node, reach: float) -> list[_Node]:
        """Divide a box by the next tree's leaves; none where no class can draw level."""
        grove, depth = self._grove, node.depth
        if depth == len(grove.trees):
            return []
        if not grove.hopes(node.scores, depth, own=own, seen=seen, box=node.box, reach=reach):
            return []
        tree = grove.trees[depth]
        children = [
            _Node(node.box | narrowed, depth + 1, node.scores + tree.value[leaf])
            for leaf, narrowed in tree.reachable(seen, node.box, reach)
        ]
        return [child for child in children if seen.far(child.box) < reach]

    def _dive(self, seen: Seen, own: int) -> Box | None:
        """Return a box with a failure, not the nearest: the nearest of one for each rival."""
        boxes = [self._greedy(seen, own, k) for k in range(len(self._grove.base)) if k != own]
        return min((box for box in boxes if box is not None), key=seen.far, default=None)

    def _greedy(self, seen: Seen, own: int, rival: int) -> Box | None:
        """Take each tree's best leaf for a rival that is still open, then give back values."""
        box: Box = {}
        for tree in self._grove.trees:
            lead = tree.value[:, rival] - tree.value[:, own]
            options = list(tree.reachable(seen, box, np.inf))
            best = max(lead[leaf] for leaf, _ in options)
            equal = [box | narrowed for leaf, narrowed in options if lead[leaf] == best]
            box = min(equal, key=seen.far)
        if self._grove.verdict(seen, box) == own:
            return None
        moved = {f: span for f, span in box.items() if seen.gap(f, *span) > 0}
        for feature in sorted(moved, key=lambda f: (-seen.gap(f, *box[f]), f)):
            fewer = {f: span for f, span in moved.items() if f != feature}
            if self._grove.verdict(seen, fewer) != own:
                moved = fewer
        return moved


def _solution(image: Array, box: Box | None, bound: float, *, proved: bool) -> Solution:
    """Return the nearest point of a box, which is float32 as it is."""
    if box is None:
        return Solution(iter(()), bound, proved)
    point = image.copy()
    for feature, (low, high) in box.items():
        point[feature] = min(max(point[feature], low), high)
    return Solution(iter([point.astype(np.float32)]), bound, proved)
