"""One climb of APGD in l1: how many values a step moves follows from what the best point moved.

Reference: Croce, Hein, "Mind the box: l1-APGD for sparse adversarial attacks on image
classifiers", 2021, algorithm 1 and section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from adversity_plugins.attack.gradient._apgd_ascent import Climb

if TYPE_CHECKING:
    from adversity import Target
    from adversity_plugins.attack._shared.norms import Ball
    from adversity_plugins.attack.gradient._apgd_ascent import Goal

__all__ = ["Sparse"]

FIRST_SHARE = 0.2
"""Of the values that the first step moves."""
SPARSER = 1.5
"""By how much a step moves fewer values than the best point has moved, and by how much its
length falls."""
SHORTEST = 0.1
"""Of eps: the shortest step."""


class Sparse(Climb):
    """The climb in l1: equal steps along the steepest values, exact projections.

    At each checkpoint a step is set to move two thirds as many values as the best point
    differs in. Where that number has fallen by a twentieth, the sample goes on from its best
    point with a whole step; else its step gets shorter.

    The last step goes all the way to the point of the budget that a linear loss likes best:
    many equal steps only come close to it.
    """

    per_row: ClassVar[tuple[str, ...]] = (*Climb.per_row, "share", "moved_values")

    def __init__(
        self, target: Target, ball: Ball, goal: Goal, start: torch.Tensor, *, steps: int, on: bool
    ) -> None:
        """Stand at the start.

        Args:
            target: The victim of these samples.
            ball: The budget, in l1.
            goal: What is to happen.
            start: `[N, C, H, W]` float32 within the budget.
            steps: How many gradients are used.
            on: Whether the start is where another climb ended, and says how many values to move.
        """
        super().__init__(target, ball, goal, start, steps=steps)
        self.window, self.since = max(int(0.04 * steps), 1), 0
        values = float(start[0].numel())
        if on:
            self.moved_values = self._moved_values(start)
            self.share = self.moved_values / values / SPARSER
        else:
            self.moved_values = torch.full((len(start),), values)
            self.share = torch.full((len(start),), FIRST_SHARE)

    @property
    def first_size(self) -> float:
        """The length of the first step."""
        return self.ball.eps

    def moved(self, step: int) -> torch.Tensor:
        """Step equally far along each of the steepest values, and project."""
        if step + 1 == self.steps:
            return self.ball.step(self.point, self.gradient, 2 * self.ball.eps)
        slope = self.gradient.flatten(1)
        steep = slope.abs()
        values = slope.shape[1]
        last = ((1 - self.share) * values).clamp(0, values - 1).long()
        largest = steep.topk(int((values - last).max()), dim=1).values
        least = largest.gather(1, (values - last - 1)[:, None])
        signs = torch.where(steep >= least, slope.sign(), 0.0)
        scale = self.size.flatten(1) / signs.abs().sum(1, keepdim=True).clamp_min(1)
        return self.ball.project(self.point + (scale * signs).view_as(self.point))

    def adapt(self, step: int, earlier: torch.Tensor) -> None:
        """Follow the best point's sparsity at checkpoints."""
        self.since += 1
        if self.since < self.window:
            return
        self.since = 0
        now = self._moved_values(self.best)
        sparser = now / self.moved_values < 0.95
        self.share, self.moved_values = now / self.point[0].numel() / SPARSER, now
        shorter = (self.size / SPARSER).clamp_min(SHORTEST * self.first_size)
        whole = torch.full_like(self.size, self.first_size)
        self.size = torch.where(sparser[:, None, None, None], whole, shorter)
        self.go_back(sparser)

    def _moved_values(self, points: torch.Tensor) -> torch.Tensor:
        """Return in how many values `[N]` float32 points differ from the images."""
        return (points != self.ball.start).flatten(1).sum(1).float()
