"""Linear victims, whose worst answer within a budget is known in closed form.

With `d` the row of the true class minus that of its rival, the margin of the true class is
`d . x + b`, and within eps it falls by at most eps * |d|_q, 1/p + 1/q = 1, if the box [0, 1]
is not in the way. With the box: every value by itself in linf; clip(x - m * d) with m by
bisection in l2; the steepest values first, each as far as it has room, in l1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from adversity.contracts.structure import Linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from adversity.contracts import Norm

__all__ = ["LinearCase", "best_drop", "linear_cases"]

SHAPE = (1, 7, 7)
"""Of the images: grey and small, so that the closed forms cost nothing."""
FREE_EPS = 0.2
"""In every norm, around values in [0.3, 0.7]: no value can reach the box."""
BOX_EPS = {"linf": 0.3, "l2": 1.5, "l1": 4.0}
"""Around values of which a third stand at 0 or 1: the box is in the way of all three."""
TOLERANCE = 1e-5
"""Relative: what rounding images to float32 may lose, a few 1e-8 of each value of about 1e-2."""


class _Linear(nn.Module):
    """Logits `W x + b`, computed in float64."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.weights, self.bias = torch.from_numpy(weights), torch.from_numpy(bias)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]` float32."""
        return (images.double().flatten(1) @ self.weights.T + self.bias).float()

    def structure(self) -> Linear:
        """Return the weights, for an attack that looks into its victim."""
        return Linear(self.weights.numpy(), self.bias.numpy())


@dataclass(frozen=True, slots=True)
class LinearCase:
    """One image, a linear victim and the most its margin can fall.

    The victim's margin is `1 - TOLERANCE` of that: it falls to whoever reaches the optimum,
    so that an attack which stops at success has to come as far.

    Attributes:
        module: The victim.
        classes: K.
        image: `[1, C, H, W]` float32.
        own, rival: The true class, and the one that is near; all others are out of reach.
        norm: Of the budget.
        eps: Its radius.
        best: The largest fall of the margin.
        direction: `[D]` float64, the row of `own` minus that of `rival`.
    """

    module: nn.Module
    classes: int
    image: Tensor
    own: int
    rival: int
    norm: Norm
    eps: float
    best: float
    direction: np.ndarray

    def reached(self, images: Tensor) -> float:
        """Return which share of the largest fall some images reach, in float64."""
        delta = (self.image.double() - images.double()).flatten().numpy()
        return float(delta @ self.direction) / self.best


def best_drop(direction: np.ndarray, image: np.ndarray, eps: float, norm: Norm) -> float:
    """Return the largest fall of `direction . x` within eps of an image and the box [0, 1].

    Args:
        direction: `[D]` float64.
        image: `[D]` float64 in [0, 1].
        eps: The radius.
        norm: Of the budget.

    Example:
        >>> import numpy as np
        >>> d, x = np.array([3.0, -2.0, 1.0, 0.5]), np.array([0.02, 0.5, 0.5, 0.5])
        >>> [round(best_drop(d, x, 0.1, norm), 7) for norm in ("linf", "l2", "l1")]
        [0.41, 0.2844994, 0.22]
    """
    slope = np.abs(direction)
    room = np.where(direction > 0, image, 1 - image)
    if norm == "linf":
        return float(slope @ np.minimum(room, eps))
    if norm == "l1":
        steep = np.argsort(-slope, kind="stable")
        before = np.cumsum(room[steep]) - room[steep]
        spent = np.minimum(room[steep], np.maximum(eps - before, 0))
        return float(slope[steep] @ spent)
    room = np.where(slope > 0, room, 0.0)
    if np.linalg.norm(room) <= eps:
        return float(slope @ room)
    low, high = 0.0, 1.0
    while np.linalg.norm(np.minimum(high * slope, room)) < eps:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        inside = np.linalg.norm(np.minimum(middle * slope, room)) < eps
        low, high = (middle, high) if inside else (low, middle)
    return float(slope @ np.minimum(low * slope, room))


def linear_cases(norm: Norm, *, box: bool) -> Iterator[LinearCase]:
    """Yield two victims with two classes and two with four, all random and always the same.

    Args:
        norm: Of the budget.
        box: Whether the box [0, 1] is in the way.
    """
    draw = np.random.Generator(np.random.Philox(key=17 + box))
    for classes in (2, 2, 4, 4):
        values = draw.uniform(-0.3, 1.3, SHAPE).clip(0, 1) if box else draw.uniform(0.3, 0.7, SHAPE)
        image = torch.from_numpy(values.astype(np.float32))[None]
        point = image.double().flatten().numpy()
        weights = draw.normal(size=(classes, point.size))
        own, rival = (int(k) for k in draw.permutation(classes)[:2])
        eps = BOX_EPS[norm] if box else FREE_EPS
        # Three in logits: sure enough to be a trained network's, and no softmax is 0 or 1.
        weights *= 3 / best_drop(weights[own] - weights[rival], point, eps, norm)
        direction = weights[own] - weights[rival]
        best = best_drop(direction, point, eps, norm)
        logits = np.full(classes, -25.0)
        logits[[own, rival]] = 0.0, -best * (1 - TOLERANCE)
        module = _Linear(weights, logits - weights @ point)
        yield LinearCase(module, classes, image, own, rival, norm, eps, best, direction)
