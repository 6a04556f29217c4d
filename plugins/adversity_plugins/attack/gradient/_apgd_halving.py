"""One climb of APGD in linf and l2: the loss decides when each sample's step is halved.

Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks", 2020, algorithm 1 and section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from adversity_plugins.attack.gradient._apgd_ascent import Climb

if TYPE_CHECKING:
    from adversity import Target
    from adversity_plugins.attack._shared.norms import Ball
    from adversity_plugins.attack.gradient._apgd_ascent import Goal

__all__ = ["Halving"]

MOMENTUM = 0.75
"""How much of the new step is taken; the rest repeats the step before."""


class Halving(Climb):
    """The climb in linf and l2: steps with momentum, halved where a sample stops rising.

    At each checkpoint a sample's step is halved, and it goes on from its best point, if fewer
    than `rho` of the steps since the last one raised the loss, or if neither the step's
    length nor the best loss has changed since then.
    """

    per_row: ClassVar[tuple[str, ...]] = (*Climb.per_row, "rises", "checked_loss", "halved")

    def __init__(
        self,
        target: Target,
        ball: Ball,
        goal: Goal,
        start: torch.Tensor,
        *,
        steps: int,
        rho: float = 0.75,
    ) -> None:
        """Stand at the start.

        Args:
            target: The victim of these samples.
            ball: The budget, in linf or l2.
            goal: What is to happen.
            start: `[N, C, H, W]` float32 within the budget.
            steps: How many gradients are used.
            rho: Share of the steps that must raise the loss.
        """
        super().__init__(target, ball, goal, start, steps=steps)
        self.rho = rho
        self.window, self.since = max(int(0.22 * steps), 1), 0
        self.rises = torch.zeros(len(start), dtype=torch.int64)
        self.checked_loss = self.best_loss
        # As if halved at the start: the first checkpoint cannot complain of no change.
        self.halved = torch.ones(len(start), dtype=torch.bool)

    def moved(self, step: int) -> torch.Tensor:
        """Take a gradient step of each sample's size, and add the last step's momentum."""
        point, ball = self.point, self.ball
        if ball.norm == "linf":
            new = self.gradient.sign().mul_(self.size).add_(point).clamp_(ball.low, ball.high)
        else:
            length = self.gradient.double().flatten(1).norm(dim=1).clamp_min(1e-300)
            scale = self.size.double() / length[:, None, None, None]
            new = ball.project(point.double() + scale * self.gradient.double())
        if step == 0:
            return new
        ahead = new.sub_(point).mul_(MOMENTUM).add_(point)
        ahead.add_(point - self.before, alpha=1 - MOMENTUM)
        return ball.project(ahead)

    def adapt(self, step: int, earlier: torch.Tensor) -> None:
        """Count steps that raised the loss, and halve at checkpoints."""
        self.rises += self.loss > earlier
        self.since += 1
        if self.since < self.window:
            return
        few = self.rises <= self.rho * self.window
        still = ~self.halved & (self.best_loss <= self.checked_loss)
        self.halved, self.checked_loss = few | still, self.best_loss
        self.size = torch.where(self.halved[:, None, None, None], self.size / 2, self.size)
        self.go_back(self.halved)
        self.rises, self.since = torch.zeros_like(self.rises), 0
        shorter = self.window - max(int(0.03 * self.steps), 1)
        self.window = max(shorter, int(0.06 * self.steps), 1)
