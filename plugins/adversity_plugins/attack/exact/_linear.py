"""The nearest failure of linear scores: for each rival the way to where it draws level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity_plugins.attack._shared.hyperplane import to_hyperplane
from adversity_plugins.attack.exact._solution import Solution, wins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity import Norm
    from adversity.contracts.structure import Linear

__all__ = ["PUSHES", "LinearSolver", "length"]

Array = np.ndarray[Any, Any]

PUSHES = (0.0, *(1e-10 * 2.0**power for power in range(25)))
"""How far over the boundary to go, in l2, until float32 is over it as well: rounding a point of
D values moves it by up to 3e-8 * sqrt(D)."""
SLACK = 1e-12
"""Of a gap: what the sums may round where the box just reaches the boundary."""


def length(delta: Array, norm: Norm) -> float:
    """Return the size of `[D]`."""
    if norm == "linf":
        return float(np.abs(delta).max(initial=0.0))
    return float(np.linalg.norm(delta)) if norm == "l2" else float(np.abs(delta).sum())


class LinearSolver:
    """Linear scores in one norm."""

    def __init__(self, structure: Linear, *, norm: Norm, limit: float) -> None:
        """Take the scores; nothing further than `limit` is looked for."""
        self._weights, self._bias = structure.weights, structure.bias
        self._norm, self._limit = norm, limit

    def verdict(self, point: Array) -> int:
        """Return the class of `[D]`."""
        return int(self._scores(point).argmax())

    def allows(self, point: Array, answer: int) -> bool:
        """Return whether `answer` has the highest score."""
        return wins(self._scores(point), answer)

    def _scores(self, point: Array) -> Array:
        scores: Array = self._weights @ point.astype(np.float64) + self._bias
        return scores

    def search(self, image: Array, own: int) -> Solution:
        """Return the nearest of the points at which a rival draws level with `own`."""
        scores = self._scores(image)
        rivals = [k for k in range(len(scores)) if k != own]
        normals = self._weights[rivals] - self._weights[own]
        gaps = np.maximum(scores[own] - scores[rivals], 0.0)
        ways = self._ways(image, normals, gaps)
        worth = (normals * ways).sum(1)
        room = (np.abs(normals) * np.where(normals > 0, 1 - image, image)).sum(1)
        reached = worth >= gaps - SLACK * (np.abs(gaps) + room)
        sizes = [
            length(way, self._norm) if there else np.inf
            for way, there in zip(ways, reached, strict=True)
        ]
        near = [k for k in np.argsort(sizes, kind="stable") if sizes[k] <= self._limit]
        bound = min(min(sizes, default=np.inf), self._limit)
        return Solution(self._points(image, own, normals[near], gaps[near]), bound, proved=True)

    def _ways(self, image: Array, normals: Array, gaps: Array) -> Array:
        """Return the shortest ways `[R, D]` that close gaps `[R]`."""
        rows = torch.from_numpy(np.broadcast_to(image, normals.shape).copy())
        delta = to_hyperplane(
            rows, torch.from_numpy(normals), torch.from_numpy(gaps), norm=self._norm
        )
        return delta.numpy()

    def _points(self, image: Array, own: int, normals: Array, gaps: Array) -> Iterator[Array]:
        """Yield points in float32 that the structure puts in another class."""
        for normal, gap in zip(normals, gaps, strict=True):
            steep = float(np.linalg.norm(normal))
            for push in PUSHES:
                way = self._ways(image, normal[None], np.array([gap + push * steep]))[0]
                point = (image + way).clip(0, 1).astype(np.float32)
                if self.verdict(point) != own:
                    yield point
