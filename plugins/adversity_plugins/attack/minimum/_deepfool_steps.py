"""The steps of DeepFool: to the nearest of the boundaries, as if the victim were linear.

Reference: Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: a simple and accurate method to fool
deep neural networks", 2016, algorithm 2 and section 3.3. We differ in two things: the way to
a boundary is the shortest inside the box [0, 1], not one that the box cuts afterwards, and the
point found is drawn in at the end, after a few steps along the boundary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.hyperplane import to_hyperplane
from adversity_plugins.attack._shared.losses import pulled_back
from adversity_plugins.attack.minimum._nearest import Nearest, lengths, reached
from adversity_plugins.attack.minimum._tangents import along_boundary

if TYPE_CHECKING:
    from adversity import Norm, Target

__all__ = ["deepfool"]


def deepfool(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    steps: int,
    candidates: int,
    overshoot: float,
    tangents: int,
) -> torch.Tensor:
    """Return, for each sample, the failure that DeepFool ends at, drawn in.

    A step costs a query, and a gradient for each rival. A sample leaves once it is fooled.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes.
        norm: In which the ways are short.
        steps: At most so many.
        candidates: So many rivals: those with the highest logits for the image itself.
        overshoot: By how much of the whole way a point lies beyond the boundary.
        tangents: Steps along the boundary afterwards.

    Returns:
        `[N, C, H, W]` float32 in [0, 1]; the image itself where nothing was found.
    """
    nearest = Nearest(target, images, labels, norm=norm)
    place = torch.arange(len(images))
    logits = _answers(target, images)
    rivals = _rivals(logits, labels, candidates)
    origin = images.double().flatten(1)
    point, way = images, torch.zeros_like(origin)
    for step in range(steps + 1):
        hit = reached(logits, labels[place], targeted=False)
        nearest.offer(place, point, hit)
        left = (~hit).nonzero().flatten()
        if step == steps or not len(left):
            break
        place, way = place[left], way[left]
        victim, start = target.rows(place), origin[place]
        move = _shortest(victim, point[left], labels[place], rivals[place], norm)
        way = (start + way + move).clamp(0, 1) - start
        point = (start + way * (1 + overshoot)).clamp(0, 1).float().view_as(images[place])
        logits = _answers(victim, point)
    return along_boundary(nearest, tangents)


def _answers(target: Target, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return target.logits(images)


def _rivals(logits: torch.Tensor, labels: torch.Tensor, candidates: int) -> torch.Tensor:
    """Return the classes `[N, k]` with the highest logits but for the true one."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    order = others.argsort(dim=1, descending=True, stable=True)
    return order[:, : min(candidates, logits.shape[1] - 1)]


def _shortest(
    target: Target, images: torch.Tensor, labels: torch.Tensor, rivals: torch.Tensor, norm: Norm
) -> torch.Tensor:
    """Return the shortest of the steps `[N, D]` to the boundaries with each rival.

    Where the box lets a step close only a share of its gap, it counts as longer by that share;
    a rival whose gradient is that of the true class is never the nearest.
    """
    here = images.double().flatten(1)
    best = torch.zeros_like(here)
    cost = torch.full_like(here[:, :1], torch.inf)
    for rival in rivals.unbind(1):
        gap, normal = _difference(target, images, labels, rival)
        # On the boundary itself a gap of zero would be closed by standing still.
        gap = gap.clamp_min(torch.finfo(torch.float32).tiny)
        step = to_hyperplane(here, normal, gap.squeeze(1), norm=norm)
        share = ((normal * step).sum(1, keepdim=True) / gap).clamp(0, 1)
        price = torch.where(share > 0, lengths(step, norm) / share, torch.inf)
        nearer = price < cost
        best, cost = torch.where(nearer, step, best), torch.where(nearer, price, cost)
    return best


def _difference(
    target: Target, images: torch.Tensor, labels: torch.Tensor, rival: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return by how much the rival lags `[N, 1]`, and the gradient of its lead `[N, D]`."""
    point = images.detach().requires_grad_()
    logits = target.logits(point)
    slope = torch.zeros_like(logits).scatter_(1, rival[:, None], 1.0)
    slope.scatter_(1, labels[:, None], -1.0)
    gradient = pulled_back(logits, point, slope)
    answer = logits.detach().double()
    gap = answer.gather(1, labels[:, None]) - answer.gather(1, rival[:, None])
    return gap, gradient.double().flatten(1)
