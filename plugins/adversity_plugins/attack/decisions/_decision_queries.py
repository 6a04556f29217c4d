"""What a decision-based attack may query, and the nearest failure that it has seen.

Rows of a batch end at different times. Each has its own budget here, and none pays for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.norms import flat_norm

if TYPE_CHECKING:
    from adversity import Norm, Target

__all__ = ["DecisionQueries"]


class DecisionQueries:
    """Query decisions within a budget; remember, for each sample, the nearest failure.

    Attributes:
        origin: `[N, D]` float32, the images as flat rows.
        left: `[N]` int64, queries that each sample has left.
        nearest: `[N, D]` float32, the nearest image that was tried and is a failure; the
            image itself where there is none.
        distance: `[N]` float64, how far that is; infinite where there is none.
    """

    def __init__(
        self,
        target: Target,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        norm: Norm,
        queries: int,
        eps: float | None = None,
    ) -> None:
        """Start with the whole budget.

        Args:
            target: The victim; only its decisions are queried.
            images: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` int64, the true classes.
            norm: In what distances are measured.
            queries: At most so many for each sample.
            eps: A sample with a failure this near queries no more; None for no such limit.
        """
        self._target, self._labels, self._shape = target, labels, images.shape[1:]
        self.norm, self.eps = norm, eps
        self.origin = images.contiguous().flatten(1)
        self.nearest = self.origin.clone()
        self.left = torch.full((len(images),), queries, dtype=torch.int64)
        self.distance = torch.full((len(images),), torch.inf, dtype=torch.float64)
        self._packed, self._part = torch.arange(len(images)), target

    @property
    def shape(self) -> torch.Size:
        """`[C, H, W]` of an image."""
        return self._shape

    @property
    def size(self) -> int:
        """D, the number of values of an image."""
        return self.origin.shape[1]

    def images(self) -> torch.Tensor:
        """Return the nearest failures, `[N, C, H, W]`; the images themselves where none is."""
        return self.nearest.view(-1, *self._shape)

    def failed(self) -> torch.Tensor:
        """Return the rows of which a failure is known and that may still query, `[M]` int64."""
        every = torch.arange(len(self.left))
        return ((self.distance < torch.inf) & self.may_query(every)).nonzero().flatten()

    def may_query(self, index: torch.Tensor) -> torch.Tensor:
        """Return `[M]` bool: the row has a query left, and no failure within eps yet.

        One that is wrong where it is, at distance 0, has nothing to look for.
        """
        return (self.left[index] > 0) & (self.distance[index] > (self.eps or 0.0))

    def sizes(self, points: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Return `[M]` float64 distances of some rows' points `[M, D]` from their images."""
        return flat_norm(points.double() - self.origin[index].double(), self.norm)

    def wrong(self, points: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Try one point of some rows; those that may not query get False, at no cost.

        Args:
            points: `[M, D]` float32 in [0, 1].
            index: `[M]` int64, which samples they belong to, each once.

        Returns:
            `[M]` bool: the victim is wrong there.
        """
        may = self.may_query(index)
        answer = torch.zeros(len(index), dtype=torch.bool)
        if not bool(may.any()):
            return answer
        points, index = (points, index) if bool(may.all()) else (points[may], index[may])
        decided = self._at(index).decisions(points.view(-1, *self._shape))
        self.left[index] -= 1
        hit = decided != self._labels[index]
        self._remember(points, index, hit)
        answer[may] = hit
        return answer

    def _at(self, index: torch.Tensor) -> Target:
        """Return the target of some rows; the last one is kept, for it is often the same."""
        if not torch.equal(index, self._packed):
            self._packed, self._part = index.clone(), self._target.rows(index)
        return self._part

    def _remember(self, points: torch.Tensor, index: torch.Tensor, hit: torch.Tensor) -> None:
        if not bool(hit.any()):
            return
        points, index = points[hit], index[hit]
        sizes = self.sizes(points, index)
        nearer = sizes < self.distance[index]
        self.distance[index[nearer]] = sizes[nearer]
        self.nearest[index[nearer]] = points[nearer]
