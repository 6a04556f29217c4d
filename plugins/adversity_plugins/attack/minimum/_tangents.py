"""Steps along the boundary: from a failure to where the boundary's tangent comes nearest.

At the nearest failure of all, the way from the image stands at right angles to the boundary.
From any other failure the foot of the tangent plane is nearer than the failure itself, and so
are the points on the way there, as far as the boundary does not bend away.

Reference: Croce, Hein, "Minimally distorted adversarial examples with a fast adaptive boundary
attack", 2020, section 3 (the projection of the image onto the tangent plane inside the box). We
differ in that a point counts only where it is a failure and nearer than the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.hyperplane import to_hyperplane
from adversity_plugins.attack._shared.losses import gradient_of, loss_of
from adversity_plugins.attack.minimum._nearest import lengths

if TYPE_CHECKING:
    from adversity_plugins.attack.minimum._nearest import Nearest

__all__ = ["along_boundary"]

_SHARES = (1.0, 0.5, 0.25, 0.125, 0.05)
"""How far towards the foot of the tangent plane, tried in turn."""
_BEYOND = {1.0: 1.0001}
"""By how much the foot itself is overstepped: enough for rounding, too little to be seen."""
_ELSEWHERE = 1.05
"""By how much the other points are: they stand for boundaries that bend."""


def along_boundary(nearest: Nearest, steps: int) -> torch.Tensor:
    """Return the failures after so many steps along the boundary, drawn in.

    They are drawn in before every step: a point then counts only if it is nearer than the last
    failure can be brought, and no sample ends further out than it began.

    Args:
        nearest: What was found; it is changed.
        steps: Each costs one gradient and at most 29 queries.
    """
    nearest.draw_in()
    for _ in range(steps):
        place = nearest.solved
        place = place[nearest.size[place] > 0]
        if not len(place):
            break
        _step(nearest, place)
        nearest.draw_in()
    return nearest.images


def _step(nearest: Nearest, place: torch.Tensor) -> None:
    """Try points between the failures and the feet of their tangent planes."""
    origin, size = nearest.start[place].double().flatten(1), nearest.size[place][:, None]
    delta = nearest.images[place].double().flatten(1) - origin
    foot = _foot(nearest, place, origin, delta)
    left = torch.arange(len(place))
    for share in _SHARES:
        way = delta[left] + share * (foot[left] - delta[left])
        # Just inside the failure at hand: what is no nearer is of no use.
        inside = size[left] * (1 - 1e-6) / lengths(way, nearest.norm).clamp_min(1e-300)
        way = way * inside.clamp_max(_BEYOND.get(share, _ELSEWHERE))
        images = (origin[left] + way).clamp(0, 1).float()
        nearest.ask(place[left], images.view(-1, *nearest.start.shape[1:]))
        left = left[nearest.size[place[left]] >= size[left].squeeze(1)]
        if not len(left):
            break


def _foot(
    nearest: Nearest, place: torch.Tensor, origin: torch.Tensor, delta: torch.Tensor
) -> torch.Tensor:
    """Return the ways `[M, D]` from the images to the planes tangent to the boundary."""
    labels, targeted = nearest.labels[place], nearest.targeted
    logits, gradient = gradient_of(
        nearest.target.rows(place), nearest.images[place], labels, loss="margin", targeted=targeted
    )
    lead = loss_of(logits, labels, loss="margin", targeted=targeted).double()
    normal = gradient.double().flatten(1)
    gap = (normal * delta).sum(1) - (lead - nearest.confidence)
    # A plane behind the image says nothing of the way to it: stay at the image, which the
    # points between it and the failure make use of.
    return to_hyperplane(origin, normal, gap.clamp_min(0), norm=nearest.norm)
