"""The search of FMN: a ball around each image that shrinks on a failure and grows on none.

Reference: Pintor, Roli, Brendel, Biggio, "Fast minimum-norm adversarial attacks through
adaptive norm constraints", 2021, algorithm 1. We differ in two things: balls are cut by the box [0, 1] before the nearest
point of them is sought, not after, and the first radius reaches beyond the boundary of a linear
victim by what radii then change, so that rounding does not leave it just short of it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import gradient_of, loss_of
from adversity_plugins.attack.minimum._nearest import Nearest, lengths, reached

if TYPE_CHECKING:
    from adversity import Norm, Target
    from adversity_plugins.attack.minimum.fmn import FMN

__all__ = ["annealed", "fmn", "onto_ball"]

_DUAL: dict[Norm, Norm] = {"linf": "l1", "l2": "l2", "l1": "linf"}
_LAST_GAMMA = 1e-4
"""By how much a radius still changes in the last step; the end of its annealing."""
_LAST_STEP = 1e-5
"""Length of the last step, as a share of the first."""
_BISECTIONS = 50
"""Halvings of a float64 bracket."""


def annealed(first: float, last: float, step: int, steps: int) -> float:
    """Return what falls from `first` to `last` along half a cosine.

    Example:
        >>> [round(annealed(1.0, 0.0, step, 3), 3) for step in range(3)]
        [1.0, 0.5, 0.0]
    """
    share = step / max(steps - 1, 1)
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def onto_ball(
    delta: torch.Tensor, room: torch.Tensor, radius: torch.Tensor, norm: Norm
) -> torch.Tensor:
    """Return the nearest points of balls around zero, each with its own radius, in a box.

    Args:
        delta: `[N, D]` float64.
        room: `[N, D]` float64 >= 0, how far each value may go the way that `delta` points.
        radius: `[N, 1]` float64 >= 0; infinite for no limit.
        norm: Of the balls.

    Returns:
        `[N, D]`; row i depends on row i alone, bit for bit.
    """
    size = delta.abs()
    cut = torch.minimum(size, room)
    if norm == "linf":
        return torch.minimum(cut, radius) * delta.sign()
    outside = lengths(cut, norm) > radius
    if bool(outside.any()):
        shrunk = _scaled(size, room, radius) if norm == "l2" else _soft(size, room, radius)
        cut = torch.where(outside, shrunk, cut)
    return cut * delta.sign()


def _scaled(size: torch.Tensor, room: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Return `min(s * size, room)` with the `s` at which its l2 length is the radius.

    Values that reach their bound stay there and the others share what length is left, until
    none reaches a new one.
    """
    stuck = torch.zeros_like(size, dtype=torch.bool)
    scale = torch.zeros_like(radius)
    for _ in range(size.shape[1]):
        used = torch.where(stuck, room, 0.0).square().sum(1, keepdim=True)
        free = torch.where(stuck, 0.0, size).square().sum(1, keepdim=True)
        needed = ((radius.square() - used).clamp_min(0) / free.clamp_min(1e-300)).sqrt()
        scale = torch.where(free > 0, torch.maximum(needed, scale), scale)
        reached_now = ~stuck & (scale * size >= room)
        if not bool(reached_now.any()):
            break
        stuck = stuck | reached_now
    return torch.minimum(scale * size, room)


def _soft(size: torch.Tensor, room: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Return `min(size - m, room)` with the `m` at which its l1 length is the radius."""
    low, high = torch.zeros_like(radius), size.amax(1, keepdim=True)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        cut = torch.minimum((size - middle).clamp_min(0), room)
        long = cut.sum(1, keepdim=True) > radius
        low, high = torch.where(long, middle, low), torch.where(long, high, middle)
    return torch.minimum((size - high).clamp_min(0), room)


def fmn(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    how: FMN,
    *,
    start: torch.Tensor,
) -> torch.Tensor:
    """Return, for each sample, the nearest failure that the search came by, drawn in.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        how: The attack with its parameters.
        start: `[N, C, H, W]` float32 in [0, 1], where the search begins.

    Returns:
        `[N, C, H, W]` float32 in [0, 1]; the image itself where nothing was found.
    """
    nearest = Nearest(target, images, labels, norm=how.norm, targeted=how.targeted)
    place, origin = torch.arange(len(images)), images.double().flatten(1)
    point = start
    radius = torch.full_like(origin[:, :1], torch.inf)
    for step in range(how.steps):
        logits, gradient = gradient_of(target, point, labels, loss="margin", targeted=how.targeted)
        hit = reached(logits, labels, targeted=how.targeted)
        nearest.offer(place, point, hit)
        slope, delta = gradient.double().flatten(1), point.double().flatten(1) - origin
        lead = loss_of(logits, labels, loss="margin", targeted=how.targeted).double()[:, None]
        expected = lengths(delta, how.norm) + lead.abs() / lengths(
            slope, _DUAL[how.norm]
        ).clamp_min(1e-300)
        share = annealed(how.gamma, _LAST_GAMMA, step, how.steps)
        radius = _resized(radius, hit[:, None], nearest.size[:, None], expected, share)
        length = annealed(how.step_size, how.step_size * _LAST_STEP, step, how.steps)
        moved = delta + slope * (length / lengths(slope, "l2").clamp_min(1e-300))
        room = torch.where(moved > 0, 1 - origin, origin)
        point = (origin + onto_ball(moved, room, radius, how.norm)).float().view_as(images)
    with torch.no_grad():
        logits = target.logits(point)
    nearest.offer(place, point, reached(logits, labels, targeted=how.targeted))
    return nearest.draw_in()


def _resized(
    radius: torch.Tensor,
    hit: torch.Tensor,
    best: torch.Tensor,
    expected: torch.Tensor,
    share: float,
) -> torch.Tensor:
    """Return the radii of the next step, `[N, 1]`.

    Inside a failure: smaller than it and than the nearest one. Outside, once one was found: a
    little larger; before that, where the boundary would be if the victim were linear.
    """
    inwards = torch.minimum(radius, best) * (1 - share)
    known = best.isfinite()
    outwards = torch.where(known, radius, expected) * (1 + share)
    return torch.where(hit, inwards, outwards)
