"""PGD: many small steps, each projected back into the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from adversity import NormBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity_plugins.attack._shared.losses import Rank
    from adversity_plugins.attack._shared.norms import Ball

__all__ = ["PGD"]


class PGD(Targeted, NormBudget):
    """Projected gradient descent in linf, l2 or l1, with random restarts.

    `steps` gradients are used for a restart, and the point after the last step is the one
    that counts. With several restarts each sample keeps the one with the highest loss. With
    `momentum` each step follows a running sum of gradients, each divided by its own l1 norm.

    Reference: Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards deep learning models resistant
    to adversarial attacks", 2018; momentum: Dong, Liao, Pang, Su, Zhu, Hu, Li, "Boosting
    adversarial attacks with momentum", 2018, equation 6. We differ in l2 and l1 near the box
    [0, 1]: steps and projections are exact inside it (Croce, Hein, "Mind the box", 2021).
    """

    name: ClassVar[str] = "pgd"
    image_channels: ClassVar[None] = None
    reference: ClassVar[str] = (
        "Madry, Makelov, Schmidt, Tsipras, Vladu, Towards deep learning models resistant to "
        "adversarial attacks, 2018"
    )
    heavy: ClassVar[str] = "many steps, in each norm"

    steps: Annotated[int, Field(ge=1, description="gradients of a walk")] = 20
    step_size: Annotated[
        float | None, Field(gt=0, description="length of a step; 2.5 * eps / steps if left out")
    ] = None
    momentum: Annotated[
        float, Field(ge=0, le=1, description="how much of the former direction stays; 0 for none")
    ] = 0.0
    random_start: Annotated[
        bool,
        Field(description="whether a walk starts at a random point within eps; else at the image"),
    ] = True
    restarts: Annotated[int, Field(ge=1, description="walks, each from a start of its own")] = 1
    loss: Annotated[
        Literal["ce", "margin"],
        Field(
            description="what is raised: ce cross-entropy, margin the lead of the best other class"
        ),
    ] = "ce"
    early_stop: Annotated[
        bool, Field(description="a sample leaves once it is fooled: faster, same success")
    ] = False

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A gradient a step; with several restarts a query that judges each."""
        gradients = self.restarts * self.steps
        return gradients + (self.restarts if self.restarts > 1 else 0), gradients

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return, for each sample, the point of its best restart."""
        from adversity_plugins.attack._shared.norms import Ball

        ball = Ball(images, self.norm, self.eps)
        best = self._ascend(target, ball, labels, rng, restart=0)
        if self.restarts == 1:
            return best
        highest = self._judge(target, best, labels)
        for restart in range(1, self.restarts):
            open_ = ~highest.fooled | (not self.early_stop)
            rows = open_.nonzero().flatten()
            if not len(rows):
                break
            victim, goals = target.rows(rows), labels[rows]
            streams = rng.rows(rows.tolist())
            point = self._ascend(victim, ball.rows(rows), goals, streams, restart=restart)
            rank = self._judge(victim, point, goals)
            better = rank.above(highest.rows(rows))
            best[rows[better]] = point[better]
            highest.put(rows[better], rank.rows(better))
        return best

    @property
    def _size(self) -> float:
        return self.step_size if self.step_size is not None else 2.5 * self.eps / self.steps

    def _judge(self, target: Target, images: Tensor, labels: Tensor) -> Rank:
        """Return what images are worth."""
        import torch

        from adversity_plugins.attack._shared.losses import Rank, loss_of

        with torch.no_grad():
            logits = target.logits(images)
        values = loss_of(logits, labels, loss=self.loss, targeted=self.targeted)
        return Rank(self._fooled(logits, labels), values)

    def _fooled(self, logits: Tensor, labels: Tensor) -> Tensor:
        answer = logits.argmax(1)
        return answer == labels if self.targeted else answer != labels

    def _ascend(
        self, target: Target, ball: Ball, labels: Tensor, rng: SampleRng, *, restart: int
    ) -> Tensor:
        """Climb once; with `early_stop`, fooled rows leave and the rest is packed together."""
        import torch

        from adversity_plugins.attack._shared.losses import gradient_of

        point = ball.random(rng.child(restart)) if self.random_start else ball.start
        done, place = point.clone(), torch.arange(len(point))
        pace = torch.zeros_like(point) if self.momentum else None
        for _ in range(self.steps):
            logits, gradient = gradient_of(
                target, point, labels, loss=self.loss, targeted=self.targeted
            )
            if self.early_stop:
                fooled = self._fooled(logits, labels)
                done[place[fooled]] = point[fooled]
                left = (~fooled).nonzero().flatten()
                if not len(left):
                    return done
                if len(left) < len(point):
                    place, labels, gradient = place[left], labels[left], gradient[left]
                    point, ball, target = point[left], ball.rows(left), target.rows(left)
                    pace = None if pace is None else pace[left]
            if pace is not None:
                pace = gradient = self.momentum * pace + _of_length_one(gradient)
            point = ball.step(point, gradient, self._size)
        done[place] = point
        return done


def _of_length_one(gradient: Tensor) -> Tensor:
    """Divide each sample's gradient by its own l1 norm; a gradient of zero stays zero."""
    length = gradient.abs().flatten(1).sum(1)
    return gradient / length.clamp_min(1e-30)[:, None, None, None]
