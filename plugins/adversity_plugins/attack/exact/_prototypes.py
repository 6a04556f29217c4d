"""The nearest failure of one nearest neighbour: a projection for each point of other classes.

An image falls to the point `b` where it is nearer to `b` than to every point `a` of its own
class, `2 (a - b) . delta <= |x - a|^2 - |x - b|^2`: half-spaces, and the box. The nearest such
image is found with few of them, and those that it breaks are added until it breaks none.
What is found on the way is a lower bound, so that most points are soon out of the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from adversity_plugins.attack.exact._linear import PUSHES, length
from adversity_plugins.attack.exact._polyhedron import nearest_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import Norm
    from adversity.contracts.structure import Prototypes

from adversity_plugins.attack.exact._solution import Solution, wins

__all__ = ["PrototypesSolver"]

Array = np.ndarray[Any, Any]

_DUAL = {"linf": "cityblock", "l2": "euclidean", "l1": "chebyshev"}
"""The size of `a - b` by which a half-space is divided to get its distance in each norm."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a point is nearer than all points of the image's class.

    Attributes:
        normals: `[A, D]`, of length 1.
        levels: `[A]`: `normals @ delta <= levels`.
    """

    normals: Array
    levels: Array


class PrototypesSolver:
    """One nearest neighbour in l2, its failures near in any norm."""

    def __init__(self, structure: Prototypes, *, norm: Norm, limit: float) -> None:
        """Take the points; nothing further than `limit` is looked for."""
        self._points, self._labels = structure.points, structure.labels
        self._norm, self._limit = norm, limit

    def verdict(self, point: Array) -> int:
        """Return the class of the point nearest to `[D]`, the first of equals."""
        return int(self._labels[self._squares(point).argmin()])

    def allows(self, point: Array, answer: int) -> bool:
        """Return whether no point is nearer than all those of the class `answer`."""
        squares = self._squares(point)
        theirs = squares[self._labels == answer]
        return bool(len(theirs)) and wins(-np.array([theirs.min(), squares.min()]), 0)

    def _squares(self, point: Array) -> Array:
        squares: Array = cdist(point[None].astype(np.float64), self._points, "sqeuclidean")[0]
        return squares

    def search(self, image: Array, own: int) -> Solution:
        """Go through the points of other classes, the most hopeful first."""
        of_class = np.flatnonzero(self._labels == own)
        others = np.flatnonzero(self._labels != own)
        bounds = self._bounds(image, of_class, others)
        best, winner = np.inf, -1
        for k in np.argsort(bounds, kind="stable"):
            if bounds[k] >= min(best, np.nextafter(self._limit, np.inf)):
                break
            cell = self._cell(image, of_class, others[k])
            way = self._nearest(image, cell, min(best, self._limit))
            if way is not None and length(way, self._norm) < best:
                best, winner = length(way, self._norm), int(others[k])
        if best > self._limit:
            return Solution(iter(()), self._limit, proved=True)
        nearest = self._cell(image, of_class, winner)
        return Solution(self._proposed(image, own, nearest), best, proved=True)

    def _bounds(self, image: Array, of_class: Array, others: Array) -> Array:
        """Return, for each other point, the distance to its furthest half-space."""
        squares = self._squares(image)
        gaps = squares[others][None] - squares[of_class][:, None]
        sizes = 2 * cdist(self._points[of_class], self._points[others], _DUAL[self._norm])
        # The same point in two classes: the earlier one stands for both.
        same = sizes == 0
        hopeless = same & (of_class[:, None] < others[None])
        apart = np.where(same, 0.0, gaps / np.where(same, 1.0, sizes))
        bound: Array = np.where(hopeless, np.inf, apart).max(0, initial=0.0)
        return bound

    def _cell(self, image: Array, of_class: Array, other: int) -> _Cell:
        apart = 2 * (self._points[of_class] - self._points[other])
        squares = self._squares(image)
        sizes = np.linalg.norm(apart, axis=1)
        real = sizes > 0
        levels = (squares[of_class] - squares[other])[real] / sizes[real]
        return _Cell(apart[real] / sizes[real, None], levels)

    def _nearest(self, image: Array, cell: _Cell, enough: float, push: float = 0.0) -> Array | None:
        """Return the shortest way into a cell, `push` over its walls, or None beyond `enough`."""
        return nearest_in(
            cell.normals,
            cell.levels - push,
            low=-image,
            high=1 - image,
            norm=self._norm,
            enough=enough,
        )

    def _proposed(self, image: Array, own: int, cell: _Cell) -> Iterator[Array]:
        """Yield points in float32 that the structure puts in another class."""
        for push in PUSHES:
            way = self._nearest(image, cell, np.inf, push)
            if way is None:
                return
            point = (image + way).clip(0, 1).astype(np.float32)
            if self.verdict(point) != own:
                yield point
