"""One climb of APGD: the goal, the best points, and the loop between them.

`Climb` is the loop with what every norm shares: losses seen, best points kept, fooled rows
that leave. The schedule of linf and l2 stands in `apgd_halving`, that of l1 in `apgd_sparse`.

Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks", 2020, algorithm 1.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from adversity_plugins.attack._shared.losses import gradient_of, loss_of

if TYPE_CHECKING:
    from adversity import Target
    from adversity_plugins.attack._shared.losses import Loss
    from adversity_plugins.attack._shared.norms import Ball

__all__ = ["Best", "Climb", "Goal"]

TOGETHER = 64
"""Rows that are differentiated at once: it bounds the memory of the backward pass."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to happen to each sample.

    Attributes:
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        loss: The loss to raise.
        targeted: Whether the labels are target classes.
        rivals: `[N]` int64, the one other class that the loss looks at, or None.
    """

    labels: torch.Tensor
    loss: Loss
    targeted: bool = False
    rivals: torch.Tensor | None = None

    def rows(self, index: torch.Tensor | slice) -> Goal:
        """Return the goals of some rows."""
        rivals = None if self.rivals is None else self.rivals[index]
        return Goal(self.labels[index], self.loss, self.targeted, rivals)

    def aimed_at(self, rivals: torch.Tensor) -> Goal:
        """Return the same with one other class to look at for each sample."""
        return Goal(self.labels, self.loss, self.targeted, rivals)

    def loss_of(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the losses `[N]` that a climb raises."""
        return loss_of(
            logits, self.labels, loss=self.loss, targeted=self.targeted, rivals=self.rivals
        )

    def value_of(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the losses `[N]` that climbs towards different rivals are compared by."""
        return loss_of(logits, self.labels, loss=self.loss, targeted=self.targeted)

    def reached(self, logits: torch.Tensor) -> torch.Tensor:
        """Return which samples are fooled, `[N]` bool."""
        answer = logits.argmax(1)
        return answer == self.labels if self.targeted else answer != self.labels


@dataclass(frozen=True, slots=True)
class Best:
    """The best point of each sample: a fooled one before any other, then the highest loss.

    Attributes:
        images: `[N, C, H, W]` float32 within the budget.
        fooled: `[N]` bool.
        value: `[N]`, the loss there.
    """

    images: torch.Tensor
    fooled: torch.Tensor
    value: torch.Tensor

    @classmethod
    def nothing(cls, images: torch.Tensor) -> Best:
        """Return the images themselves as what any other point is better than."""
        rows = len(images)
        value = torch.full((rows,), -torch.inf)
        return cls(images.clone(), torch.zeros(rows, dtype=torch.bool), value)

    def offer(
        self,
        index: torch.Tensor,
        images: torch.Tensor,
        fooled: torch.Tensor,
        value: torch.Tensor,
    ) -> None:
        """Take those of some points that are better than what is there.

        Args:
            index: `[M]` int64, whose points they are.
            images: `[M, C, H, W]`.
            fooled: `[M]` bool.
            value: `[M]`.
        """
        before, old = self.fooled[index], self.value[index]
        better = (fooled & ~before) | ((fooled == before) & (value > old))
        taken = better.nonzero().flatten()
        if len(taken):
            where = index[taken]
            self.images[where] = images[taken]
            self.fooled[where], self.value[where] = fooled[taken], value[taken]


class Climb:
    """One climb for N samples, each with its own step size and its own best point.

    `steps` gradients are used for a sample. The point after the last step is looked at too,
    without a gradient.
    """

    per_row: ClassVar[tuple[str, ...]] = (
        "place",
        "point",
        "before",
        "gradient",
        "loss",
        "fooled",
        "best",
        "best_gradient",
        "best_loss",
        "size",
    )
    """Names of what belongs to a sample and leaves with it."""

    def __init__(
        self, target: Target, ball: Ball, goal: Goal, start: torch.Tensor, *, steps: int
    ) -> None:
        """Stand at the start.

        Args:
            target: The victim of these samples.
            ball: The budget.
            goal: What is to happen.
            start: `[N, C, H, W]` float32 within the budget.
            steps: How many gradients are used.
        """
        self.target, self.ball, self.goal, self.steps = target, ball, goal, steps
        self.result = Best.nothing(start)
        self.place = torch.arange(len(start))
        self.point, self.before = start, start
        self.size = torch.full((len(start), 1, 1, 1), self.first_size)
        self.parts = _parts(target, len(start))
        self.look(with_gradient=True)
        self.best, self.best_gradient = start.clone(), self.gradient.clone()
        self.best_loss = self.loss

    @property
    def first_size(self) -> float:
        """The length of the first step."""
        return 2 * self.ball.eps

    def run(self, *, early_stop: bool) -> Best:
        """Climb to the end; with `early_stop` a sample leaves once it is fooled."""
        for step in range(self.steps):
            if early_stop and not self._leave():
                break
            moved = self.moved(step)
            self.before, self.point, earlier = self.point, moved, self.loss
            self.look(with_gradient=step + 1 < self.steps)
            self._keep_best()
            self.adapt(step, earlier)
        return self.result

    @abstractmethod
    def moved(self, step: int) -> torch.Tensor:
        """Return the next points `[N, C, H, W]` float32, within the budget."""

    @abstractmethod
    def adapt(self, step: int, earlier: torch.Tensor) -> None:
        """Change, after a step, how long the next is and where it starts.

        Args:
            step: The step's number, from 0.
            earlier: `[N]`, the losses before it.
        """

    def look(self, *, with_gradient: bool) -> None:
        """Ask the victim about the points where we stand, and remember what is better."""
        if with_gradient:
            seen = [self._seen(rows, target) for rows, target in self.parts]
            logits = torch.cat([logits for logits, _ in seen])
            self.gradient = torch.cat([gradient for _, gradient in seen])
        else:
            with torch.no_grad():
                logits = self.target.logits(self.point)
        self.loss = self.goal.loss_of(logits)
        value = self.loss if self.goal.rivals is None else self.goal.value_of(logits)
        self.fooled = self.goal.reached(logits)
        self.result.offer(self.place, self.point, self.fooled, value)

    def go_back(self, which: torch.Tensor) -> None:
        """Go on from the best point, for those rows that `which` `[N]` bool says."""
        rows = which.nonzero().flatten()
        if len(rows):
            # The last points are the next steps' momentum: they must not change.
            self.point, self.gradient = self.point.clone(), self.gradient.clone()
            self.point[rows] = self.best[rows]
            self.gradient[rows] = self.best_gradient[rows]

    def _seen(self, rows: slice, target: Target) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and gradients of some rows."""
        goal = self.goal.rows(rows)
        return gradient_of(
            target,
            self.point[rows],
            goal.labels,
            loss=goal.loss,
            targeted=goal.targeted,
            rivals=goal.rivals,
        )

    def _keep_best(self) -> None:
        """Keep the point of the highest loss: where a halved step goes on from."""
        rose = (self.loss > self.best_loss).nonzero().flatten()
        if len(rose):
            self.best[rose] = self.point[rose]
            self.best_gradient[rose] = self.gradient[rose]
            self.best_loss = torch.maximum(self.best_loss, self.loss)

    def _leave(self) -> bool:
        """Let fooled rows go and pack the rest; return whether any is left."""
        left = (~self.fooled).nonzero().flatten()
        if len(left) < len(self.fooled):
            for name in self.per_row:
                setattr(self, name, getattr(self, name)[left])
            self.target, self.ball = self.target.rows(left), self.ball.rows(left)
            self.goal, self.parts = self.goal.rows(left), _parts(self.target, len(left))
        return bool(len(left))


def _parts(target: Target, count: int) -> list[tuple[slice, Target]]:
    """Return the victim in parts of the rows that are differentiated at once."""
    if count <= TOGETHER:
        return [(slice(None), target)]
    spans = [(at, min(at + TOGETHER, count)) for at in range(0, count, TOGETHER)]
    return [(slice(at, end), target.rows(torch.arange(at, end))) for at, end in spans]
