"""The search of DDN: the direction follows the gradient, the distance a rule of its own.

Reference: Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, "Decoupling direction and
norm for efficient gradient-based l2 adversarial attacks and defenses", 2019, algorithm 1. We
differ in two things: the margin is raised, not the cross-entropy, which vanishes where the victim
is very sure; and images are not rounded to 8 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import gradient_of
from adversity_plugins.attack.minimum._fmn_search import annealed
from adversity_plugins.attack.minimum._nearest import lengths, reached

if TYPE_CHECKING:
    from adversity_plugins.attack.minimum._nearest import Nearest

__all__ = ["ddn"]

_FIRST_STEP, _LAST_STEP = 1.0, 0.01


def ddn(nearest: Nearest, *, steps: int, first_radius: float, gamma: float) -> None:
    """Walk around every image at a distance that shrinks on a failure and grows on none.

    Args:
        nearest: Takes every failure.
        steps: So many, each with one gradient; the point after the last one counts too.
        first_radius: The distance of the first point.
        gamma: The share by which it changes.
    """
    labels, targeted = nearest.labels, nearest.targeted
    place, point = torch.arange(len(labels)), nearest.start
    origin = point.double().flatten(1)
    delta = torch.zeros_like(origin)
    radius = torch.full_like(origin[:, :1], first_radius)
    for step in range(steps):
        logits, gradient = gradient_of(
            nearest.target, point, labels, loss="margin", targeted=targeted
        )
        hit = reached(logits, labels, targeted=targeted)
        nearest.offer(place, point, hit)
        slope = gradient.double().flatten(1)
        length = annealed(_FIRST_STEP, _LAST_STEP, step, steps)
        delta = delta + slope * (length / lengths(slope, "l2").clamp_min(1e-300))
        if step > 0:
            radius = radius * torch.where(hit[:, None], 1 - gamma, 1 + gamma)
        delta = delta * (radius / lengths(delta, "l2").clamp_min(1e-300))
        delta = (origin + delta).clamp(0, 1) - origin
        point = (origin + delta).float().view_as(point)
    with torch.no_grad():
        logits = nearest.target.logits(point)
    nearest.offer(place, point, reached(logits, labels, targeted=targeted))
