"""Turned and moved images, and the searches for the worst of them.

Reference: Engstrom, Tran, Tsipras, Schmidt, Madry, "Exploring the landscape of spatial
robustness", 2019, section 4.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import torch

from adversity import clip
from adversity_plugins.attack._shared.losses import Rank, loss_of

if TYPE_CHECKING:
    from adversity import SampleRng, Target

__all__ = ["Search", "moved"]


def moved(images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
    """Turn images about their middle, then move them; black comes in from outside.

    Args:
        images: `[N, C, H, W]` float32 in [0, 1].
        parameters: `[N, 3]` float64: degrees anticlockwise, then the shift to the right as a
            share of the width and the shift down as a share of the height.

    Returns:
        `[N, C, H, W]` float32 in [0, 1], bilinear; differentiable in both.
    """
    height, width = images.shape[-2:]
    angle = torch.deg2rad(parameters[:, 0])
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    # Each target pixel's centre, measured in pixels from the middle, before the shift.
    right = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    down = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
    x = right[None, None, :] - parameters[:, 1, None, None] * width
    y = down[None, :, None] - parameters[:, 2, None, None] * height
    # Where it comes from: turned back. The y axis points down, so anticlockwise is this way.
    source = torch.stack([(cos * x - sin * y) * (2 / width), (sin * x + cos * y) * (2 / height)], 3)
    turned = torch.nn.functional.grid_sample(
        images, source.float(), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    # Weights that sum to one in float32 may sum to an ulp more.
    return clip(turned)


class Search:
    """The worst parameters found for each image; solved images leave with `early_stop`.

    Attributes:
        best: `[N, 3]` float64; not moved at all where nothing was tried.
    """

    def __init__(
        self,
        target: Target,
        images: torch.Tensor,
        labels: torch.Tensor,
        reach: torch.Tensor,
        *,
        early_stop: bool,
    ) -> None:
        """Take the samples; `reach` is `[3]`, the largest value of each parameter."""
        count = len(images)
        self.best = torch.zeros(count, 3, dtype=torch.float64)
        self._worst = Rank.lowest(count)
        self._left = torch.arange(count)
        self._target, self._images, self._labels = target, images, labels
        self._reach, self._early_stop = reach, early_stop

    def grid(self, angles: int, shifts: int) -> None:
        """Try every combination, from the smallest change to the largest."""
        axes = [_spaced(angles), _spaced(shifts), _spaced(shifts)]
        points = sorted(product(*axes), key=lambda point: (sum(map(abs, point)), point))
        for point in points:
            if not len(self._left):
                return
            shares = torch.tensor(point, dtype=torch.float64)
            self._try((shares * self._reach).expand(len(self._left), 3))

    def random(self, rng: SampleRng, draws: int) -> None:
        """Try uniform draws, each sample its own."""
        for draw in range(draws):
            if not len(self._left):
                return
            self._try(self._draw(rng, draw))

    def climb(self, rng: SampleRng, draws: int, steps: int) -> None:
        """Climb from several starts along the sign of the gradient; every point is tried."""
        for draw in range(draws):
            if not len(self._left):
                return
            place, point = self._left, self._draw(rng, draw)
            size = self._reach * (2.5 / steps)
            for _ in range(steps):
                uphill = self._gradient(point).sign() * size
                point = torch.minimum(torch.maximum(point + uphill, -self._reach), self._reach)
                self._try(point)
                stays = torch.isin(place, self._left)
                place, point = place[stays], point[stays]
                if not len(place):
                    break

    def _draw(self, rng: SampleRng, key: int) -> torch.Tensor:
        streams = rng.rows(self._left.tolist()).child(key)
        return (2 * streams.uniform((3,)).double() - 1) * self._reach

    def _gradient(self, point: torch.Tensor) -> torch.Tensor:
        parameters = point.detach().requires_grad_()
        images = moved(self._images[self._left], parameters)
        logits = self._target.logits(images)
        value = loss_of(logits, self._labels[self._left], loss="margin", targeted=False)
        (gradient,) = torch.autograd.grad(value.sum(), parameters)
        return gradient

    def _try(self, point: torch.Tensor) -> None:
        """Ask about one point for each sample that is left."""
        left = self._left
        with torch.no_grad():
            logits = self._target.logits(moved(self._images[left], point))
        labels = self._labels[left]
        fooled = logits.argmax(1) != labels
        rank = Rank(fooled, loss_of(logits, labels, loss="margin", targeted=False))
        better = rank.above(self._worst.rows(left))
        self._worst.put(left[better], rank.rows(better))
        self.best[left[better]] = point[better]
        if self._early_stop and bool(fooled.any()):
            stays = (~fooled).nonzero().flatten()
            self._left, self._target = left[stays], self._target.rows(stays)


def _spaced(count: int) -> list[float]:
    """Return evenly spaced shares in [-1, 1]; 0 alone for one."""
    if count == 1:
        return [0.0]
    return [2 * step / (count - 1) - 1 for step in range(count)]
