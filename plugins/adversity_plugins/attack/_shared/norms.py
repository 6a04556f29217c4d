"""The geometry of the three norms: best linear step, projection, random start, exact budget.

Everything respects the box [0, 1]. With a box, the best step for a linear loss and the
nearest point of the ball are no longer one formula; each is found exactly, or to float64
accuracy by bisection on its one multiplier (the l1 projection).

Reference: Duchi, Shalev-Shwartz, Singer, Chandra, "Efficient projections onto the l1-ball",
2008; Croce, Hein, "Mind the box: l1-APGD for sparse adversarial attacks", 2021, section 3
(the projection onto the intersection of the l1 ball and the box).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from adversity import Norm, SampleRng

__all__ = ["Ball", "flat_norm"]

_BISECTIONS = 60
"""Halvings of a float64 bracket: past this the multiplier no longer changes."""


def flat_norm(delta: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Return `[N]` sizes of `[N, D]` rows."""
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


class Ball:
    """The images within `eps` of a start, inside [0, 1].

    Args:
        start: `[N, C, H, W]` float32 in [0, 1].
        norm: `linf`, `l2` or `l1`.
        eps: The radius, on the [0, 1] scale.
    """

    def __init__(self, start: torch.Tensor, norm: Norm, eps: float) -> None:
        """Compute the box bounds once, rounded inwards so that no sum oversteps in float32."""
        self.start, self.norm, self.eps = start, norm, eps
        self.low, self.high = torch.zeros_like(start), torch.ones_like(start)
        if norm == "linf":
            self.low, self.high = _inward(start, eps)

    def rows(self, index: torch.Tensor) -> Ball:
        """Return the balls of some rows."""
        other = object.__new__(Ball)
        other.norm, other.eps = self.norm, self.eps
        other.start, other.low, other.high = self.start[index], self.low[index], self.high[index]
        return other

    def step(self, images: torch.Tensor, gradient: torch.Tensor, size: float) -> torch.Tensor:
        """Take a step of length `size` that raises the loss, and stay in the ball.

        linf: the sign of the gradient, then the projection. l2: along the gradient, then the
        projection. l1: towards the best vertex of the ball (conditional gradient); a step
        along the gradient and a projection would leave the optimum of a linear loss again.
        One step of length eps from the start is the optimum of the linearised loss.

        Args:
            images: `[N, C, H, W]`, where we stand.
            gradient: Of the loss, like `images`.
            size: The step's length in the ball's norm.
        """
        if self.norm == "linf":
            return images.add(gradient.sign(), alpha=size).clamp_(self.low, self.high)
        here, slope = images.double().flatten(1), gradient.double().flatten(1)
        if self.norm == "l2":
            return self.project((here + _pushed(here, slope, size)).view_as(images))
        return self._towards(here, self._vertex(slope), size)

    def _vertex(self, slope: torch.Tensor) -> torch.Tensor:
        """Return the point of the l1 ball and box that a linear loss likes best, `[N, D]`.

        Greedy: the steepest coordinate takes what room it has, then the next, until eps is
        spent.
        """
        origin = self.start.double().flatten(1)
        room = torch.where(slope > 0, 1 - origin, torch.where(slope < 0, origin, 0.0))
        order = slope.abs().argsort(dim=1, descending=True, stable=True)
        sorted_room = room.gather(1, order)
        before = sorted_room.cumsum(1) - sorted_room
        spent = torch.minimum(sorted_room, (self.eps - before).clamp_min(0))
        return origin + torch.zeros_like(room).scatter(1, order, spent) * slope.sign()

    def _towards(self, here: torch.Tensor, vertex: torch.Tensor, size: float) -> torch.Tensor:
        """Walk `size` towards a point of the ball; both ends are inside, so is the way."""
        way = vertex - here
        length = way.abs().sum(1, keepdim=True)
        reach = (size / length.clamp_min(1e-300)).clamp_max(1)
        return self._settled(here + reach * way - self.start.double().flatten(1)).view_as(
            self.start
        )

    def project(self, images: torch.Tensor) -> torch.Tensor:
        """Return the nearest images of the ball, float32; the budget holds exactly.

        Args:
            images: `[N, C, H, W]`, any values.
        """
        if self.norm == "linf":
            return torch.maximum(torch.minimum(images.float(), self.high), self.low)
        origin = self.start.double().flatten(1)
        delta = images.double().flatten(1) - origin
        low, high = -origin, 1 - origin
        nearest = _nearest_l2 if self.norm == "l2" else _nearest_l1
        return self._settled(nearest(delta, low, high, self.eps)).view_as(self.start)

    def random(self, rng: SampleRng) -> torch.Tensor:
        """Draw a start: uniform in the ball, then projected onto the box."""
        shape = tuple(self.start.shape[1:])
        if self.norm == "linf":
            return self.project(self.start + self.eps * (2 * rng.uniform(shape) - 1))
        size = self.start[0].numel()
        radius = rng.uniform((1,)).double() ** (1 / size)
        if self.norm == "l2":
            direction = rng.normal((size,)).double()
            direction /= direction.norm(dim=1, keepdim=True)
        else:
            # Exponential magnitudes with random signs, normalised, are uniform on the l1 sphere.
            direction = -torch.log1p(-rng.uniform((size,)).double())
            direction *= 2 * rng.bernoulli(0.5, (size,)).double() - 1
            direction /= direction.abs().sum(1, keepdim=True)
        delta = (self.eps * radius * direction).view_as(self.start)
        return self.project(self.start.double() + delta)

    def _settled(self, delta: torch.Tensor) -> torch.Tensor:
        """Round `start + delta` to float32 and shrink rows that rounding put outside."""
        origin = self.start.double().flatten(1)
        images = (origin + delta).float().clamp(0, 1)
        # Each try gives a little more way: rounding may push a shrunk row out again.
        for attempt in range(9):
            size = flat_norm(images.double() - origin, self.norm)
            outside = size > self.eps
            if not bool(outside.any()):
                return images
            factor = torch.where(
                outside, self.eps / size * (1 - 1e-8 * 8**attempt), torch.ones_like(size)
            )
            delta = delta * factor[:, None]
            images = (origin + delta).float().clamp(0, 1)
        return torch.where(outside[:, None], self.start.flatten(1), images)


def _inward(start: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the linf bounds in float32, never further than eps in float64."""
    exact = start.double()
    low, high = (exact - eps).float(), (exact + eps).float()
    infinity = torch.tensor(torch.inf)
    low = torch.where(exact - low.double() > eps, torch.nextafter(low, infinity), low)
    high = torch.where(high.double() - exact > eps, torch.nextafter(high, -infinity), high)
    return low.clamp_min(0), high.clamp_max(1)


def _reach(
    direction: torch.Tensor, low: torch.Tensor, high: torch.Tensor, length: float
) -> torch.Tensor:
    """Return `[N, 1]` t at which clip(t * direction, low, high) has the l2 length `length`.

    Filled like water: coordinates that reach their bound stay there and the others share
    what length is left, until none reaches a new one. Where the whole box is shorter than
    `length`, t is what brings every coordinate to its bound.
    """
    room = torch.where(direction > 0, high, -low)
    slope = direction.abs()
    stuck = slope == 0
    room = torch.where(stuck, 0.0, room)
    scale = torch.zeros_like(slope[:, :1])
    for _ in range(direction.shape[1] + 1):
        used = torch.where(stuck, room, 0.0).square().sum(1, keepdim=True)
        free = torch.where(stuck, 0.0, slope).square().sum(1, keepdim=True)
        needed = ((length**2 - used).clamp_min(0) / free.clamp_min(1e-300)).sqrt()
        scale = torch.where(free > 0, torch.maximum(needed, scale), scale)
        reached = ~stuck & (scale * slope >= room)
        if not bool(reached.any()):
            break
        stuck = stuck | reached
    return scale


def _pushed(here: torch.Tensor, slope: torch.Tensor, size: float) -> torch.Tensor:
    """Return the l2 step: along the gradient, `size` long after the box has cut it.

    It is not cut here: the projection that follows cuts it, and the point that is best for a
    linear loss then stays where it is.
    """
    return _reach(slope, -here, 1 - here, size) * slope


def _nearest_l2(
    delta: torch.Tensor, low: torch.Tensor, high: torch.Tensor, eps: float
) -> torch.Tensor:
    """Project onto ball and box: clip(delta / (1 + m)), which is a stretched direction."""
    clipped = delta.clamp(low, high)
    outside = clipped.norm(dim=1, keepdim=True) > eps
    if not bool(outside.any()):
        return clipped
    nearest = (_reach(delta, low, high, eps) * delta).clamp(low, high)
    return torch.where(outside, nearest, clipped)


def _nearest_l1(
    delta: torch.Tensor, low: torch.Tensor, high: torch.Tensor, eps: float
) -> torch.Tensor:
    """Project onto ball and box: soft-threshold by the smallest m that fits, then clip."""
    clipped = delta.clamp(low, high)
    outside = clipped.abs().sum(1, keepdim=True) > eps
    if not bool(outside.any()):
        return clipped
    sign, size = delta.sign(), delta.abs()
    room = torch.where(delta > 0, high, -low)
    bottom, top = torch.zeros_like(size[:, :1]), size.amax(1, keepdim=True)
    for _ in range(_BISECTIONS):
        middle = (bottom + top) / 2
        long = torch.minimum((size - middle).clamp_min(0), room).sum(1, keepdim=True) > eps
        bottom, top = torch.where(long, middle, bottom), torch.where(long, top, middle)
    nearest = torch.minimum((size - top).clamp_min(0), room) * sign
    return torch.where(outside, nearest, clipped)
