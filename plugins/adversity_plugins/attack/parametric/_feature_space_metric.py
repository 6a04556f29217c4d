"""The geometry of a network's features: distances, the local metric, and lines back to a ball."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Classifier, Plugin

__all__ = ["Features", "column"]

DAMPING = 1e-6
"""Of the local metric, relative to its size along the gradient: directions that no feature sees
have no length, and the linear system would have no solution."""
LINE = 16
"""Points tried on the line back. A linear feature map needs one; bisection alone is at 2 ** -8."""
INWARD = 1e-7
"""How much shorter a guessed point is made, so that float32 does not put it outside."""


def column(values: torch.Tensor) -> torch.Tensor:
    """Return `[N]` as `[N, 1, 1, 1]`, to multiply images."""
    return values[:, None, None, None]


class Features:
    """Images as points in the feature space of a network."""

    def __init__(self, network: Plugin[Classifier], *, normalise: bool) -> None:
        """Take the network, ready to run; `normalise` scales each point to length one."""
        self._network, self._normalise = network, normalise

    def of(self, images: torch.Tensor) -> torch.Tensor:
        """Return points `[N, D]` float64, differentiable in the images."""
        features = self._network.features(images)
        points: torch.Tensor = self._network.logits(images) if features is None else features
        points = points.double()
        if not self._normalise:
            return points
        # An image without any feature stays at the origin.
        length = points.norm(dim=1, keepdim=True)
        return points / torch.where(length > 0, length, 1.0)

    def distance(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Return `[N]` float64 distances."""
        with torch.no_grad():
            return self.apart(self.of(images), self.of(clean))

    @staticmethod
    def apart(points: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return `[N]` float64 distances of points."""
        gap: torch.Tensor = (points - others).norm(dim=1)
        return gap

    def steepest(
        self, images: torch.Tensor, gradient: torch.Tensor, steps: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the direction of most gain for its length in features, to first order.

        It solves (J'J + damping) u = g by conjugate gradients, J being the features' Jacobian
        at the images, on the pixels where g is not zero.

        Args:
            images: `[N, C, H, W]`.
            gradient: The same, g.
            steps: Of conjugate gradients.

        Returns:
            u, `[N, C, H, W]` float64, and its length in features, `[N]` float64.

        Raises:
            InputError: If a derivative of the network holds NaN or infinity. The victim is not
                queried here, so its counts cannot tell, and images without a direction would stay
                where they are and pass for robust.
        """
        point = images.detach().clone().requires_grad_()
        seen = self.of(point)
        weight = torch.zeros_like(seen, requires_grad=True)
        (pulled,) = torch.autograd.grad(seen, point, weight, create_graph=True)
        free = gradient != 0

        def pushed(direction: torch.Tensor) -> torch.Tensor:
            """Return J v, `[N, D]`: the derivative of v . J'w in w."""
            unit, power = _unit(direction)
            (moved,) = torch.autograd.grad(pulled, weight, unit.to(pulled.dtype), retain_graph=True)
            return self._numbers(moved) * power[:, None]

        def metric(direction: torch.Tensor) -> torch.Tensor:
            """Return J'J v on the free pixels."""
            unit, power = _unit(pushed(direction))
            (pulled_back,) = torch.autograd.grad(seen, point, unit, retain_graph=True)
            return torch.where(free, self._numbers(pulled_back).double() * column(power), 0.0)

        solution = _solved(metric, gradient.double(), steps)
        return solution, pushed(solution).norm(dim=1)

    def _numbers(self, derivative: torch.Tensor) -> torch.Tensor:
        """Return a derivative as it is if it is finite."""
        lost = ~derivative.isfinite().flatten(1).all(1)
        if bool(lost.any()):
            raise InputError(
                f"network: expected finite derivatives of the features of {self._network.label}, "
                f"got NaN or infinity for {int(lost.sum())} of {len(lost)} images, where no "
                "step has a length; look in the network for 0 / 0, the root of 0 or an overflow, "
                "or give another `network:`"
            )
        return derivative

    def back(
        self, clean: torch.Tensor, start: torch.Tensor, images: torch.Tensor, eps: float
    ) -> torch.Tensor:
        """Return the image on the way to the clean one that is just within eps.

        The way is a straight line, clipped to [0, 1]: what is far outside stays at the bound
        while the rest comes back, as in the projection onto a ball and a box.

        Args:
            clean: `[N, C, H, W]`, within eps by itself.
            start: Its points, `[N, D]`.
            images: `[N, C, H, W]`, where to come back from, in the box or not; once clipped,
                those within stay.
            eps: The radius.
        """
        count = len(images)
        low, high = torch.zeros(count).double(), torch.ones(count).double()
        near = torch.zeros(count).double()
        best = clean.clone()
        with torch.no_grad():
            clipped = images.clamp(0, 1).float()
            far = self.apart(self.of(clipped), start)
            inside = far <= eps
            best[inside] = clipped[inside]
            low[inside] = 1.0
            for turn in range(LINE):
                if bool(inside.all()):
                    break
                share = (low + high) / 2
                if turn % 2 == 0:
                    # Where the distance would be eps if it grew evenly between the two ends.
                    even = low + (high - low) * (eps - near) / (far - near).clamp_min(1e-300)
                    even = even * (1 - INWARD)
                    share = torch.where((even > low) & (even < high), even, share)
                way = clean + column(share) * (images.double() - clean)
                tried = way.clamp(0, 1).float()
                distance = self.apart(self.of(tried), start)
                fits = (distance <= eps) & (share > low) & ~inside
                best[fits] = tried[fits]
                low, near = torch.where(fits, share, low), torch.where(fits, distance, near)
                out = (distance > eps) & ~inside
                high, far = torch.where(out, share, high), torch.where(out, distance, far)
        return best


def _solved(
    metric: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor, steps: int
) -> torch.Tensor:
    """Solve for each row by conjugate gradients, from zero; rows that are solved stay."""
    solution, residual = torch.zeros_like(target), target.clone()
    direction, size = residual.clone(), _dot(residual, residual)
    damping = torch.zeros_like(size)
    for step in range(steps):
        image = metric(direction)
        if step == 0:
            damping = DAMPING * _dot(direction, image) / size.clamp_min(1e-300)
            damping = torch.where(damping > 0, damping, 1.0)
        image = image + column(damping) * direction
        bend = _dot(direction, image)
        length = torch.where(bend > 0, size / bend.clamp_min(1e-300), 0.0)
        solution = solution + column(length) * direction
        residual = residual - column(length) * image
        after = _dot(residual, residual)
        direction = residual + column(after / size.clamp_min(1e-300)) * direction
        size = after
    return solution


def _unit(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row over a power of two of its own size, and these `[N]` float64.

    A network computes in float32, and the local metric grows as the square of its features: what
    is put through it has to be near 1, or it overflows or vanishes there. Powers of two round
    nothing.
    """
    size = values.detach().flatten(1).abs().amax(1).double()
    power = torch.exp2(torch.frexp(size).exponent.double())
    return values / power.view(-1, *[1] * (values.ndim - 1)), power


def _dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).flatten(1).sum(1)
