"""The searches of Carlini and Wagner: a penalty for the distance against one for the answer.

The images are `(tanh(w) + 1) / 2`, so that no step leaves [0, 1]. Every sample has its own
weight c, its own state of Adam and its own end: nothing is summed over a batch.

Reference: Carlini, Wagner, "Towards evaluating the robustness of neural networks", 2017,
sections V and VI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import gradient_of, loss_of
from adversity_plugins.attack.minimum._adam import Adam
from adversity_plugins.attack.minimum._nearest import lengths, reached

if TYPE_CHECKING:
    from adversity_plugins.attack.minimum._nearest import Nearest

__all__ = ["Descent", "search_l2", "search_linf"]

_INSIDE = 1 - 1e-6
"""Values at the bounds start so far inside, where tanh still has a slope."""
_UNREACHED = 1e10
"""Above every weight: the answer has not been reached yet."""
_RISE = 10.0
"""By what a weight that does not reach the answer grows."""
_SHRINK = 0.9
"""By what the distance that costs nothing shrinks in linf."""
_PROGRESS = 0.95
"""To what part of the last failure's distance the next must come, or its weight rises."""
_ROUNDS = 200
"""Descents in linf at most: the distance has then shrunk to a billionth of the box."""
_STALLED = 0.9999
"""A descent goes on while a tenth of its steps brings its loss below so much of what it was."""


@dataclass(frozen=True, slots=True)
class Descent:
    """How one loss is descended.

    Attributes:
        steps: At most so many, each with a gradient; the point after the last one counts too.
        learning_rate: Of Adam.
    """

    steps: int
    learning_rate: float


def search_l2(nearest: Nearest, descent: Descent, *, initial_c: float, search_steps: int) -> None:
    """Look for the nearest failures in l2, with a binary search for each sample's weight.

    Args:
        nearest: Takes every failure that a descent comes by.
        descent: How.
        initial_c: The first weight of the answer; where that is not reached the weight rises.
        search_steps: Descents, each from the images themselves.
    """
    everyone = torch.arange(len(nearest.start))
    weight = torch.full((len(everyone), 1), initial_c, dtype=torch.float64)
    low, high = torch.zeros_like(weight), torch.full_like(weight, _UNREACHED)
    for _ in range(search_steps):
        run = _Run(nearest, everyone, nearest.start, weight, descent)
        hit = run.descend()[:, None]
        low = torch.where(hit, low, torch.maximum(low, weight))
        high = torch.where(hit, torch.minimum(high, weight), high)
        weight = torch.where(high < _UNREACHED, (low + high) / 2, weight * _RISE)


def search_linf(nearest: Nearest, descent: Descent, *, initial_c: float, search_steps: int) -> None:
    """Look for the nearest failures in linf: values that move by more than tau cost.

    Each descent starts at the nearest failure found, and tau is a little less than its distance.
    Where a descent brings little or nothing the sample's weight rises, and after `search_steps`
    of that it leaves.

    Args:
        nearest: Takes every failure that a descent comes by.
        descent: How.
        initial_c: The first weight of the answer.
        search_steps: How often a sample's weight may rise.
    """
    weight = torch.full((len(nearest.start), 1), initial_c, dtype=torch.float64)
    tau = torch.ones_like(weight)
    rises = torch.zeros(len(nearest.start), dtype=torch.int64)
    for _ in range(_ROUNDS):
        place = (rises < search_steps).nonzero().flatten()
        if not len(place):
            break
        before = nearest.size[place]
        _Run(nearest, place, nearest.images, weight[place], descent, tau[place]).descend()
        tau[place] = nearest.size[place][:, None].clamp_max(1 / _SHRINK) * _SHRINK
        stuck = place[~(nearest.size[place] < before * _PROGRESS)]
        weight[stuck] *= _RISE
        rises[stuck] += 1


class _Run:
    """One descent of some samples, each until its own loss no longer falls."""

    def __init__(
        self,
        nearest: Nearest,
        place: torch.Tensor,
        begin: torch.Tensor,
        weight: torch.Tensor,
        descent: Descent,
        tau: torch.Tensor | None = None,
    ) -> None:
        """Begin.

        Args:
            nearest: Takes the failures.
            place: `[M]` int64, which samples.
            begin: `[N, C, H, W]`, where they start.
            weight: `[M, 1]`, of the answer.
            descent: How.
            tau: `[M, 1]`, up to where values move at no cost, in linf; else None.
        """
        self.nearest, self.descent = nearest, descent
        self.hit = torch.zeros(len(place), dtype=torch.bool)
        self._row = torch.arange(len(place))
        self._place, self._weight, self._tau = place, weight, tau
        inside = (2 * begin[place].double().flatten(1) - 1) * _INSIDE
        # Not atanh: torch rounds it otherwise for the last few values of a tensor.
        self._w = ((1 + inside) / (1 - inside)).log() / 2
        self._adam = Adam(self._w, descent.learning_rate)
        self._last = torch.full_like(weight, torch.inf)
        self._origin = nearest.start[place].double().flatten(1)

    def descend(self) -> torch.Tensor:
        """Return whether the goal was reached on the way, `[M]` bool."""
        check = max(self.descent.steps // 10, 1)
        for step in range(self.descent.steps):
            stay = self._step(compare=step % check == check - 1)
            if not bool(stay.any()):
                return self.hit
            self._keep(stay)
        images = self._images(self._w.tanh())
        with torch.no_grad():
            logits = self.nearest.target.rows(self._place).logits(images)
        self._note(images, logits)
        return self.hit

    def _step(self, *, compare: bool) -> torch.Tensor:
        """Take a step and return which rows go on, `[M]` bool.

        Args:
            compare: Whether to compare losses with those of the last time.
        """
        nearest, curve = self.nearest, self._w.tanh()
        images = self._images(curve)
        labels = nearest.labels[self._place]
        logits, gradient = gradient_of(
            nearest.target.rows(self._place),
            images,
            labels,
            loss="margin",
            targeted=nearest.targeted,
        )
        hit = self._note(images, logits)
        lead = loss_of(logits, labels, loss="margin", targeted=nearest.targeted).double()
        way = images.double().flatten(1) - self._origin
        cost, pull = self._penalty(way)
        missing = (nearest.confidence - lead).clamp_min(0)[:, None]
        # Rows that are there already feel the distance alone; a tie is not there yet.
        push = torch.where(hit[:, None], 0.0, self._weight * gradient.double().flatten(1))
        self._w = self._adam.step(self._w, (pull - push) * (1 - curve.square()) / 2)
        stay = torch.ones_like(hit)
        if compare:
            loss = cost + self._weight * missing
            stay, self._last = (loss <= self._last * _STALLED).squeeze(1), loss
        if self._tau is not None:
            stay &= ~(hit & (lengths(way, "linf") <= self._tau).squeeze(1))
        return stay

    def _penalty(self, way: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the ways `[M, D]` cost `[M, 1]`, and the slope of that."""
        if self._tau is None:
            return way.square().sum(1, keepdim=True), 2 * way
        over = (way.abs() - self._tau).clamp_min(0)
        return over.sum(1, keepdim=True), way.sign() * over.sign()

    def _images(self, curve: torch.Tensor) -> torch.Tensor:
        return ((curve + 1) / 2).float().view(-1, *self.nearest.start.shape[1:])

    def _note(self, images: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Offer the images and return which are failures, `[M]` bool."""
        nearest = self.nearest
        hit = reached(
            logits,
            nearest.labels[self._place],
            targeted=nearest.targeted,
            confidence=nearest.confidence,
        )
        nearest.offer(self._place, images, hit)
        self.hit[self._row[hit]] = True
        return hit

    def _keep(self, stay: torch.Tensor) -> None:
        if bool(stay.all()):
            return
        left = stay.nonzero().flatten()
        self._row, self._place, self._w = self._row[left], self._place[left], self._w[left]
        self._weight, self._last = self._weight[left], self._last[left]
        self._origin = self._origin[left]
        self._tau = None if self._tau is None else self._tau[left]
        self._adam.keep(left)
