"""NES: PGD with a gradient that is estimated from scores, by antithetic Gaussian probes.

Reference: Ilyas, Engstrom, Athalye, Lin, "Black-box adversarial attacks with limited queries and
information", 2018, section 2 and algorithm 1. We differ: probes are cut to the box [0, 1], for a
real victim takes no other image, and each value is weighed by what the cut left of its variance,
so that the estimate of a linear loss stays unbiased in the box.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import Loss, Rank, loss_of
from adversity_plugins.attack._shared.norms import Ball

if TYPE_CHECKING:
    from adversity import SampleRng, Target
    from adversity_plugins.attack.scores.nes import NES

__all__ = ["cut_variance", "estimated_gradient", "nes"]


def nes(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    how: NES,
) -> torch.Tensor:
    """Return, for each sample, the first point that fools the victim, else the worst one seen.

    Args:
        target: The victim; only its scores are queried.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        rng: Row i for image i.
        how: The attack with its parameters.

    Returns:
        `[N, C, H, W]` float32 in [0, 1], within the budget.
    """
    ball = Ball(images.contiguous(), how.norm, how.eps)
    best, highest = ball.start.clone(), Rank.lowest(len(images))
    place, point, slope = torch.arange(len(images)), ball.start, torch.zeros_like(ball.start)
    for step in range(how.queries // (how.samples + 1)):
        streams = rng.child(step).rows(place.tolist())
        gradient = estimated_gradient(
            target, point, labels, streams,
            samples=how.samples, sigma=how.sigma, loss=how.loss, targeted=how.targeted,
        )  # fmt: skip
        slope = how.momentum * slope + (1 - how.momentum) * gradient
        point = ball.step(point, slope, how.length)
        rank = _judged(target, point, labels, loss=how.loss, targeted=how.targeted)
        better = rank.above(highest.rows(place))
        best[place[better]] = point[better]
        highest.put(place[better], rank.rows(better))
        going = (~rank.fooled).nonzero().flatten()
        if not len(going):
            break
        if len(going) < len(point):
            place, point, slope = place[going], point[going], slope[going]
            labels, ball, target = labels[going], ball.rows(going), target.rows(going)
    return best


def _judged(
    target: Target, images: torch.Tensor, labels: torch.Tensor, *, loss: Loss, targeted: bool
) -> Rank:
    """Return what images are worth."""
    with torch.no_grad():
        logits = target.logits(images)
    fooled = (logits.argmax(1) == labels) == targeted
    return Rank(fooled, loss_of(logits, labels, loss=loss, targeted=targeted))


def estimated_gradient(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    *,
    samples: int,
    sigma: float,
    loss: Loss,
    targeted: bool,
) -> torch.Tensor:
    """Return `[N, C, H, W]` float32, the mean over pairs of probes on both sides of the images.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64.
        rng: Row i for image i.
        samples: Probes, two of a pair each.
        sigma: Their standard deviation.
        loss: Whose gradient.
        targeted: Whether the labels are target classes.
    """
    total = torch.zeros(images.shape, dtype=torch.float64)
    for _ in range(samples // 2):
        way = sigma * rng.normal(tuple(images.shape[1:]))
        ahead, behind = (images + way).clamp(0, 1), (images - way).clamp(0, 1)
        with torch.no_grad():
            up, down = (
                loss_of(target.logits(probe), labels, loss=loss, targeted=targeted).double()
                for probe in (ahead, behind)
            )
        total += (up - down)[:, None, None, None] * (ahead.double() - behind.double())
    return (total / (samples // 2) / cut_variance(images.double(), sigma)).float()


def cut_variance(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return the mean square of `clip(x + s u) - clip(x - s u)` over normal u, in closed form.

    Far from the box it is 4 s^2. With a <= b the distances of x to the bounds over s, the
    difference is s times 2u up to a, u + a up to b and a + b from there, for positive u.

    Args:
        images: x, float64 in [0, 1].
        sigma: s.

    Example:
        >>> float(cut_variance(torch.tensor(0.5, dtype=torch.float64), 0.01)) / 0.01**2
        4.0
    """
    near = torch.minimum(images, 1 - images) / sigma
    far = torch.maximum(images, 1 - images) / sigma
    near_mass, near_first, near_second = _tails(near)
    far_mass, far_first, far_second = _tails(far)
    between = (
        near_second
        - far_second
        + 2 * near * (near_first - far_first)
        + near.square() * (near_mass - far_mass)
    )
    return 2 * sigma**2 * (2 - 4 * near_second + between + (near + far).square() * far_mass)


def _tails(bound: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the integrals over u > bound of the normal density times 1, u and u^2."""
    mass = 0.5 * torch.erfc(bound / math.sqrt(2))
    first = (-bound.square() / 2).exp() / math.sqrt(2 * math.pi)
    return mass, first, bound * first + mass
