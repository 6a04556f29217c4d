"""Steps in feature space, and the best image found for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import Loss, Rank, loss_of
from adversity_plugins.attack.parametric._feature_space_metric import Features, column

if TYPE_CHECKING:
    from adversity import Target

__all__ = ["Search"]

CAP = 0.25
"""How far a step may go in any pixel. Features hardly see most directions, so that a step can be
short in features and leave the box; there its slope says nothing. Measured on the tests' network
with eps = 0.005: a mean margin of 7.4 with the cap, 2.4 without, and without it a larger eps
fooled less."""
OUTWARD = 1e3
"""How far beyond the box a pixel is put that the gradient holds at its bound."""


class Search:
    """Ascent in the ball and the box; solved images leave with `early_stop`.

    Each sample steps from the image of its highest loss so far. A step that raises the loss is
    kept; after one that does not, the next is half as long.

    Attributes:
        best: `[N, C, H, W]` float32 in [0, 1] within eps: of the highest loss that was seen, a
            failure before every image that is none.
    """

    def __init__(
        self,
        target: Target,
        images: torch.Tensor,
        labels: torch.Tensor,
        features: Features,
        *,
        eps: float,
        loss: Loss,
        early_stop: bool,
    ) -> None:
        """Start at the images themselves, with steps as long as eps."""
        count = len(images)
        self.best = images.clone()
        self._highest = Rank.lowest(count)
        self._target, self._labels, self._features = target, labels, features
        self._eps, self._loss, self._early_stop = eps, loss, early_stop
        self._left = torch.arange(count)
        self._clean, self._now, self._base = images, images.clone(), images.clone()
        self._value = torch.full((count,), -torch.inf)
        self._size = torch.full((count,), eps).double()
        self._way = torch.zeros_like(images).double()
        self._held = torch.zeros_like(images)
        with torch.no_grad():
            self._start = features.of(images)

    @property
    def over(self) -> bool:
        """Whether every image is solved."""
        return not len(self._left)

    def step(self, solver_steps: int) -> None:
        """Look at the images, and go one step on from the best, back into the ball and the box."""
        point = self._now.detach().clone().requires_grad_()
        logits = self._target.logits(point)
        value = loss_of(logits, self._labels, loss=self._loss, targeted=False)
        (gradient,) = torch.autograd.grad(value.sum(), point)
        stays = self._keep(logits.detach(), value.detach())
        if not len(stays):
            return
        self._rebase(value.detach()[stays], gradient[stays], solver_steps)
        moved = self._base + column(self._size) * self._way
        # What leaves the box stays at its bound, however far the rest comes back.
        moved = torch.where(self._held != 0, self._base + OUTWARD * self._held, moved)
        self._now = self._features.back(self._clean, self._start, moved, self._eps)

    def finish(self) -> None:
        """Look at the last images, too."""
        if not self.over:
            with torch.no_grad():
                logits = self._target.logits(self._now)
            self._keep(logits, loss_of(logits, self._labels, loss=self._loss, targeted=False))

    def _rebase(self, value: torch.Tensor, gradient: torch.Tensor, solver_steps: int) -> None:
        """Step from here where the loss is higher than ever, and half as far where it is not."""
        higher = value > self._value
        self._size = torch.where(higher, self._size, self._size / 2)
        rows = higher.nonzero().flatten()
        if not len(rows):
            return
        now, uphill = self._now[rows], gradient[rows]
        self._value[rows], self._base[rows] = value[rows], now
        blocked = ((now <= 0) & (uphill < 0)) | ((now >= 1) & (uphill > 0))
        free = torch.where(blocked, 0.0, uphill)
        direction, length = self._features.steepest(now, free, solver_steps)
        reach = torch.maximum(length, direction.flatten(1).abs().amax(1) * (self._eps / CAP))
        self._way[rows] = direction / column(torch.where(reach > 0, reach, 1.0))
        self._held[rows] = torch.where(blocked, uphill.sign(), 0.0)

    def _keep(self, logits: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Note what is better than before; return which rows go on."""
        fooled = logits.argmax(1) != self._labels
        rank = Rank(fooled, value)
        better = rank.above(self._highest.rows(self._left))
        where = self._left[better]
        self._highest.put(where, rank.rows(better))
        self.best[where] = self._now[better]
        stays = torch.arange(len(self._left))
        if self._early_stop and bool(fooled.any()):
            stays = (~fooled).nonzero().flatten()
            self._target = self._target.rows(stays)
            for name in ("left", "clean", "now", "base", "value", "size", "way", "held", "start"):
                setattr(self, f"_{name}", getattr(self, f"_{name}")[stays])
            self._labels = self._labels[stays]
        return stays
