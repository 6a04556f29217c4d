"""APGD as a whole: starts, restarts and the classes that are aimed at, the best of all kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.dlr import require_dlr
from adversity_plugins.attack._shared.losses import likeliest_others
from adversity_plugins.attack._shared.norms import Ball
from adversity_plugins.attack.gradient._apgd_ascent import Best, Goal
from adversity_plugins.attack.gradient._apgd_halving import Halving
from adversity_plugins.attack.gradient._apgd_sparse import Sparse

if TYPE_CHECKING:
    from adversity import SampleRng, Target
    from adversity_plugins.attack.gradient.apgd import APGD

__all__ = ["apgd_search"]

WIDER, SHARE = (3, 2), 0.3
"""In l1: radii in eps that are climbed in first, and the share of the steps that each gets."""


def apgd_search(
    target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng, how: APGD
) -> Best:
    """Return the best point of every sample over all restarts and aimed-at classes.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        rng: Row i for image i.
        how: The attack with its parameters.

    Raises:
        InputError: If the loss is not defined for the victim's number of classes.
    """
    if how.loss == "dlr":
        require_dlr(target.classes, aimed=how.targeted or how.targets is not None)
    goal = Goal(labels, how.loss, how.targeted)
    rivals = None
    if how.targets is not None:
        with torch.no_grad():
            rivals = likeliest_others(target.logits(images), labels, how.targets)
    overall = Best.nothing(images)
    for aim in range(1 if rivals is None else rivals.shape[1]):
        aimed = goal if rivals is None else goal.aimed_at(rivals[:, aim])
        for restart in range(how.restarts):
            left = torch.arange(len(images))
            if how.early_stop:
                left = (~overall.fooled).nonzero().flatten()
                if not len(left):
                    return overall
            part = target if len(left) == len(images) else target.rows(left)
            streams = rng.rows(left.tolist()).child((aim, restart))
            best = _climbed(part, images[left], aimed.rows(left), streams, how)
            overall.offer(left, best.images, best.fooled, best.value)
    return overall


def _climbed(target: Target, images: torch.Tensor, goal: Goal, rng: SampleRng, how: APGD) -> Best:
    """Climb once: in l1 within wider budgets first."""
    ball = Ball(images, how.norm, how.eps)
    if how.norm != "l1":
        start = ball.random(rng) if how.random_start else images
        climb = Halving(target, ball, goal, start, steps=how.steps, rho=how.rho)
        return climb.run(early_stop=how.early_stop)
    return _narrowed(target, ball, goal, rng, how)


def _narrowed(target: Target, ball: Ball, goal: Goal, rng: SampleRng, how: APGD) -> Best:
    """Climb in l1 balls that shrink, each climb from where the last one's best point projects."""
    wide = math.ceil(SHARE * how.steps)
    last = how.steps - len(WIDER) * wide
    plan = [*((factor, wide) for factor in WIDER), (1, last)] if last > 0 else [(1, how.steps)]
    point, on = ball.start, False
    if how.random_start:
        point = ball.start + rng.normal(tuple(ball.start.shape[1:]))
    for factor, count in plan[:-1]:
        here = Ball(ball.start, "l1", factor * how.eps)
        climb = Sparse(target, here, goal, here.project(point), steps=count, on=on)
        climb.run(early_stop=False)
        point, on = climb.best, True
    _, count = plan[-1]
    climb = Sparse(target, ball, goal, ball.project(point), steps=count, on=on)
    return climb.run(early_stop=how.early_stop)
