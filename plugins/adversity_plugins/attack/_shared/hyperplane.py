"""Where a victim taken for linear changes its answer: the plane, and its nearest point in the box.

The nearest point inside [0, 1] is exact, in linf, l2 and l1.

To reach the plane `normal . (point + delta) = level` every value moves the way its part of the
normal points, as far as it has room. Written with slopes `a_i = |normal_i|`, rooms `r_i` and the
gap `g = |level - normal . point|`, the lengths `t_i` of the shortest delta are

- linf: `t_i = min(s, r_i)`, all values moving alike;
- l2: `t_i = min(s * a_i, r_i)`, each as it is steep;
- l1: the steepest value first as far as it has room, then the next;

with the one `s`, or the one value the l1 filling ends in, at which `sum a_i * t_i = g`.

Reference: Croce, Hein, "Minimally distorted adversarial examples with a fast adaptive boundary
attack", 2020 (they sort the breakpoints; we climb them by Newton steps, which end at
the same point after finitely many).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import pulled_back
from adversity_plugins.attack._shared.norms import flat_norm

if TYPE_CHECKING:
    from adversity import Norm, Target

__all__ = ["tangent", "to_hyperplane"]

_DUAL: dict[Norm, Norm] = {"linf": "l1", "l2": "l2", "l1": "linf"}


def tangent(
    target: Target,
    points: torch.Tensor,
    labels: torch.Tensor,
    goal: torch.Tensor | None,
    *,
    norm: Norm,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the plane on which another class catches up with the label, if all were linear.

    Args:
        target: The victim.
        points: `[N, C, H, W]` float32, where it is differentiated.
        labels: `[N]` int64, the true classes.
        goal: `[N]` int64, the other class; or None for the one whose plane is nearest when the
            box is left out of account, for as many backward passes as there are classes.
        norm: In which a plane is near.

    Returns:
        By how much the other class is behind, `[N]`, and the gradient of its lead,
        `[N, C, H, W]`, both float32.
    """
    at = points.detach().requires_grad_()
    logits = target.logits(at)
    lead = logits.detach() - logits.detach().gather(1, labels[:, None])
    if goal is not None:
        return -lead.gather(1, goal[:, None])[:, 0], _lead_gradient(logits, at, labels, goal)
    count = logits.shape[1]
    gap, normal = torch.zeros(len(points)), torch.zeros_like(points)
    shortest = torch.full((len(points),), torch.inf, dtype=torch.float64)
    for k in range(count):
        rival = torch.full_like(labels, k)
        slope = _lead_gradient(logits, at, labels, rival, more=k < count - 1)
        steepness = flat_norm(slope.double().flatten(1), _DUAL[norm]).clamp_min(1e-12)
        far = torch.where(labels == k, torch.inf, lead[:, k].abs().double() / steepness)
        nearer = far < shortest
        gap, shortest = torch.where(nearer, -lead[:, k], gap), torch.where(nearer, far, shortest)
        normal = torch.where(nearer[:, None, None, None], slope, normal)
    return gap, normal


def _lead_gradient(
    logits: torch.Tensor,
    at: torch.Tensor,
    labels: torch.Tensor,
    goal: torch.Tensor,
    *,
    more: bool = False,
) -> torch.Tensor:
    """Return the gradient of the goal's logit minus the label's."""
    slope = torch.zeros_like(logits).scatter_(1, goal[:, None], 1.0)
    slope.scatter_add_(1, labels[:, None], torch.full_like(slope[:, :1], -1.0))
    return pulled_back(logits, at, slope, again=more)


def to_hyperplane(
    points: torch.Tensor, normals: torch.Tensor, gaps: torch.Tensor, *, norm: Norm
) -> torch.Tensor:
    """Return the shortest `delta` that closes the gap to a hyperplane without leaving [0, 1].

    Where the box does not touch the hyperplane, it is the way to that corner of the box which
    comes nearest to it; values that the normal does not feel stay. A normal of zeros moves nothing.

    Args:
        points: `[N, D]` float64 in [0, 1].
        normals: `[N, D]` float64.
        gaps: `[N]` float64: what `normals . delta` has to be.
        norm: In which the way is short.

    Returns:
        `[N, D]` float64; row i depends on row i alone, bit for bit.

    Example:
        >>> import torch
        >>> point, normal = torch.tensor([[0.5, 0.9]]), torch.tensor([[1.0, 1.0]])
        >>> to_hyperplane(point, normal, torch.tensor([0.4]), norm="linf")
        tensor([[0.3000, 0.1000]])
    """
    # Other layouts add up a row's values in another order.
    points, normals = points.contiguous(), normals.contiguous()
    # A row's own scale changes nothing, and keeps squares within float64.
    scale = normals.abs().amax(1, keepdim=True).clamp_min(torch.finfo(normals.dtype).tiny)
    ascent = torch.where(gaps[:, None] < 0, -normals, normals) / scale
    slope, gap = ascent.abs(), gaps.abs()[:, None] / scale
    room = torch.where(ascent > 0, 1 - points, torch.where(ascent < 0, points, 0.0))
    lengths = _steepest(slope, room, gap) if norm == "l1" else _filled(slope, room, gap, norm=norm)
    return lengths * ascent.sign()


def _filled(
    slope: torch.Tensor, room: torch.Tensor, gap: torch.Tensor, *, norm: Norm
) -> torch.Tensor:
    """Return `min(s * unit, room)` with the `s` at which it is worth `gap`, all `[N, D]`.

    The worth rises with s along a concave broken line. Newton steps from 0 therefore never pass
    the solution; each ends it or leaves at least one more value at its bound. A row that has
    arrived stays where it is, whatever the others still do.
    """
    unit = slope.sign() if norm == "linf" else slope
    worth, weight = slope * room, slope * unit
    stuck = slope == 0
    reach = torch.zeros_like(gap)
    for _ in range(slope.shape[1] + 1):
        used = torch.where(stuck, worth, 0.0).sum(1, keepdim=True)
        free = torch.where(stuck, 0.0, weight).sum(1, keepdim=True)
        needed = (gap - used).clamp_min(0) / free
        reach = torch.where(free > 0, torch.maximum(needed, reach), reach)
        # Where nothing is free any more the box has no more to give.
        reached = ~stuck & (reach * unit >= room)
        if not bool(reached.any()):
            break
        stuck = stuck | reached
    return torch.where(stuck, room, reach * unit)


def _steepest(slope: torch.Tensor, room: torch.Tensor, gap: torch.Tensor) -> torch.Tensor:
    """Return how far each value goes if the steepest go first, `[N, D]`."""
    steep, order = slope.sort(dim=1, descending=True, stable=True)
    space = room.gather(1, order)
    worth = steep * space
    before = worth.cumsum(1) - worth
    left = (gap - before).clamp_min(0)
    ends = torch.where(steep > 0, left / steep, 0.0)
    lengths = torch.where(left >= worth, space, torch.minimum(ends, space))
    return torch.zeros_like(room).scatter(1, order, lengths)
