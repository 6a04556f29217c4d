"""FAB: walk along the boundary of the victim's answer, always drawn back to the image.

Each step takes the victim for linear, goes to the plane on which two classes tie, a little over
it, and is pulled towards the point of that plane which is nearest to the image. The projections
onto the plane are exact within the box [0, 1].

Reference: Croce, Hein, "Minimally distorted adversarial examples with a fast adaptive boundary
attack", 2020, algorithm 1. We differ: samples may leave once they are fooled within eps; the image's
own point on the last plane is tried as well; the search on the last segment halves and interpolates
in turn; and where nothing is found within eps,
what comes back is the worse of the nearest failure projected into the budget and of the first step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from adversity_plugins.attack._shared.hyperplane import tangent, to_hyperplane
from adversity_plugins.attack._shared.losses import likeliest_others, loss_of
from adversity_plugins.attack._shared.norms import Ball, flat_norm

if TYPE_CHECKING:
    from adversity import Norm, SampleRng, Target
    from adversity_plugins.attack.minimum.fab import FAB

__all__ = ["fab_attack"]

_PULL = 0.1
"""At most so much weight has the way from the image itself, `alpha_max`."""
_OVER = 1.05
"""How far a step goes over the plane, `eta`."""
_JUST_OVER = 1.0001
"""The same for the image's own point on the last plane, which is tried at the end of a walk."""
_BACK = 0.9
"""Where the walk goes on from, on the way from the image to an adversarial point, `beta`."""
_SEGMENT = 6
"""Queries of the last search, on the segment from the image to the nearest point found."""


class _Rows(NamedTuple):
    """Samples that are attacked: the victim, their images and true classes.

    With them the margin of each clean image (below 0) and the class to go for, or None for the
    nearest.
    """

    target: Target
    images: torch.Tensor
    labels: torch.Tensor
    margin: torch.Tensor
    goal: torch.Tensor | None

    def take(self, index: torch.Tensor) -> _Rows:
        goal = None if self.goal is None else self.goal[index]
        return _Rows(
            self.target.rows(index),
            self.images[index],
            self.labels[index],
            self.margin[index],
            goal,
        )

    def judge(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the margin of the best other class and whether it wins, `[N]`; one query."""
        with torch.no_grad():
            logits = self.target.logits(points)
        return _margin(logits, self.labels), logits.argmax(1) != self.labels


@dataclass(slots=True)
class _Nearest:
    """The nearest adversarial images so far, at an infinite distance where there are none.

    `first` is the first step of a walk cut to the budget: where the walk leads nowhere, it is what
    is known to lead uphill.
    """

    images: torch.Tensor
    distance: torch.Tensor
    margin: torch.Tensor
    first: torch.Tensor

    @classmethod
    def of(cls, images: torch.Tensor) -> _Nearest:
        nowhere = torch.full((len(images),), torch.inf, dtype=torch.float64)
        return cls(images.clone(), nowhere, torch.zeros(len(images)), images)

    def offer(
        self,
        index: torch.Tensor,
        points: torch.Tensor,
        distance: torch.Tensor,
        margin: torch.Tensor,
    ) -> None:
        """Take the points that are nearer than what rows `index` have."""
        nearer = distance < self.distance[index]
        where = index[nearer]
        self.images[where], self.margin[where] = points[nearer], margin[nearer]
        self.distance[where] = distance[nearer]


def fab_attack(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    how: FAB,
) -> torch.Tensor:
    """Return images that fool the victim within eps, else the worst point in the budget.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes.
        rng: Row i for image i.
        how: The attack with its parameters.

    Returns:
        `[N, C, H, W]` float32 in [0, 1], within eps.
    """
    with torch.no_grad():
        logits = target.logits(images)
    wrong = logits.argmax(1) != labels
    margin = _margin(logits, labels)
    distance = torch.where(wrong, 0.0, torch.inf).double()
    nearest = _Nearest(images.clone(), distance, margin.clone(), images)
    goals = likeliest_others(logits, labels, how.targets).unbind(1) if how.targets else (None,)
    for rank, goal in enumerate(goals):
        for restart in range(how.restarts):
            left = (nearest.distance > (how.eps if how.early_stop else 0)).nonzero().flatten()
            if not len(left):
                return nearest.images
            rows = _Rows(target, images, labels, margin, goal).take(left)
            ball = Ball(rows.images, how.norm, how.eps)
            start = rows.images
            if restart:
                start = _around(ball, rng.child((rank, restart)).rows(left.tolist()))
            walked = _walk(rows, ball, start, steps=how.steps, early_stop=how.early_stop)
            _keep(nearest, left, rows, ball, walked)
    return nearest.images


def _margin(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return loss_of(logits, labels, loss="margin", targeted=False)


def _around(ball: Ball, rng: SampleRng) -> torch.Tensor:
    """Return points at distance eps / 2, before the box cuts them, in a random direction."""
    shape = tuple(ball.start.shape[1:])
    draw = 2 * rng.uniform(shape) - 1 if ball.norm == "linf" else rng.normal(shape)
    way = draw.double().flatten(1)
    way = way * (ball.eps / 2 / flat_norm(way, ball.norm).clamp_min(1e-12))[:, None]
    return (ball.start.double() + way.view_as(draw)).clamp(0, 1).float()


def _walk(
    rows: _Rows, ball: Ball, start: torch.Tensor, *, steps: int, early_stop: bool
) -> _Nearest:
    """Walk once, for the nearest failures; rows that found none are at an infinite distance."""
    nearest = _Nearest.of(start)
    place, point, direct, here = torch.arange(len(start)), start, start, rows
    for step in range(steps):
        gap, normal = tangent(here.target, point, here.labels, here.goal, norm=ball.norm)
        point, direct = _stepped(point, here.images, gap, normal, ball.norm)
        if step == 0:
            nearest.first = ball.step(start, normal, ball.eps)
        margin, fooled = here.judge(point)
        size = _distance(point, here.images, ball.norm)
        hit = fooled.nonzero().flatten()
        nearest.offer(place[hit], point[hit], size[hit], margin[hit])
        back = (here.images + _BACK * (point - here.images)).clamp(0, 1)
        point = torch.where(fooled[:, None, None, None], back, point)
        keep = (nearest.distance[place] > (ball.eps if early_stop else -1)).nonzero().flatten()
        if len(keep) < len(place):
            place, point, direct, here = place[keep], point[keep], direct[keep], here.take(keep)
        if not len(place):
            return nearest
    margin, fooled = here.judge(direct)
    hit = fooled.nonzero().flatten()
    size = _distance(direct, here.images, ball.norm)
    nearest.offer(place[hit], direct[hit], size[hit], margin[hit])
    _search_segment(nearest, rows, ball, early_stop=early_stop)
    return nearest


def _stepped(
    point: torch.Tensor, images: torch.Tensor, gap: torch.Tensor, normal: torch.Tensor, norm: Norm
) -> tuple[torch.Tensor, torch.Tensor]:
    """Step over the plane from where we are and from the image, and mix both by their lengths.

    The second answer is the image's own point on the plane, a little over it: the nearest failure
    of a victim that is linear, which the mixed points only come near to inside the box.
    """
    here, origin = point.double().flatten(1), images.double().flatten(1)
    steep, behind = normal.double().flatten(1), gap.double()
    deltas = to_hyperplane(
        torch.cat([here, origin]),
        torch.cat([steep, steep]),
        torch.cat([behind, behind + (steep * (here - origin)).sum(1)]),
        norm=norm,
    )
    # A floor keeps 0 / 0 away where both are on the plane already.
    length = flat_norm(deltas, norm).clamp_min(1e-8)[:, None]
    (near, far), (near_length, far_length) = deltas.chunk(2), length.chunk(2)
    pull = (near_length / (near_length + far_length)).clamp_max(_PULL)
    mixed = (1 - pull) * (here + _OVER * near) + pull * (origin + _OVER * far)
    direct = origin + _JUST_OVER * far
    return mixed.clamp(0, 1).float().view_as(point), direct.clamp(0, 1).float().view_as(point)


def _distance(points: torch.Tensor, images: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Return `[N]` float64 distances of what is stored, as the engine measures them."""
    return flat_norm(points.double().flatten(1) - images.double().flatten(1), norm)


def _search_segment(nearest: _Nearest, rows: _Rows, ball: Ball, *, early_stop: bool) -> None:
    """Move adversarial points back towards their images, as far as they still fool.

    By interpolation of the margin, exact for a linear victim, and by halving in turn.
    """
    index = nearest.distance.isfinite() & (nearest.distance > (ball.eps if early_stop else 0))
    index = index.nonzero().flatten()
    if not len(index):
        return
    some = rows.take(index)
    way = nearest.images[index].double() - some.images.double()
    low, high = torch.zeros(len(index)).double(), torch.ones(len(index)).double()
    below, above = some.margin.double(), nearest.margin[index].double()
    for query in range(_SEGMENT):
        share = torch.full_like(low, 0.5)
        if query % 2 == 0:
            share = -below / (above - below).clamp_min(1e-12)
            # A thousandth of the rest: on the root itself rounding would decide.
            share = share + 1e-3 * (1 - share)
        at = low + share * (high - low)
        points = (some.images.double() + at[:, None, None, None] * way).float()
        margin, fooled = some.judge(points)
        hit = fooled.nonzero().flatten()
        size = _distance(points, some.images, ball.norm)
        nearest.offer(index[hit], points[hit], size[hit], margin[hit])
        low, high = torch.where(fooled, low, at), torch.where(fooled, at, high)
        below = torch.where(fooled, below, margin.double())
        above = torch.where(fooled, margin.double(), above)


def _keep(nearest: _Nearest, left: torch.Tensor, rows: _Rows, ball: Ball, walked: _Nearest) -> None:
    """Keep what is nearest within eps; where nothing is, the worst point in the budget."""
    inside = (walked.distance <= ball.eps).nonzero().flatten()
    nearest.offer(
        left[inside], walked.images[inside], walked.distance[inside], walked.margin[inside]
    )
    still = (nearest.distance[left] > ball.eps).nonzero().flatten()
    if not len(still):
        return
    some, where = rows.take(still), left[still]
    for points in (ball.rows(still).project(walked.images[still]), walked.first[still]):
        margin, fooled = some.judge(points)
        better = fooled & (nearest.distance[where] > ball.eps)
        worse = (margin > nearest.margin[where]) & (nearest.distance[where] > ball.eps) | better
        nearest.images[where[worse]], nearest.margin[where[worse]] = points[worse], margin[worse]
        size = _distance(points, some.images, ball.norm)
        nearest.distance[where[better]] = size[better]
