"""Rain as a camera sees it: drops that fall during the exposure are bright, nearly parallel lines.

Reference: Garg and Nayar, "Vision and rain", 2007 (why streaks are bright, and how long).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["streaks"]

_TILT = 20.0
"""Rain falls within so many degrees of the vertical, drawn for each image."""
_SOFT = 0.6
"""Standard deviation across a streak, in its own widths."""


def streaks(
    rng: SampleRng, height: int, width: int, *, density: float, length: float, strength: float
) -> Tensor:
    """Return how much light the streaks add, `[N, 1, H, W]` in [0, strength].

    Args:
        rng: Row i for image i. A larger density adds streaks to those of a smaller one.
        height: H.
        width: W.
        density: Streaks for each 1000 pixels of an image of 224 x 224; at other sizes there are
            as many, since what they are wide and long goes with the size.
        length: Of the longest, as a share of the image's height.
        strength: Of the brightest.
    """
    import torch

    own = rng.child("streaks")
    count = math.ceil(density * 224 * 224 / 1000)
    tilt = own.child("tilt").uniform((1,)) * 2 * _TILT - _TILT
    layer = torch.zeros(len(rng), height, width)
    draws = own.uniform((count, 5))
    for row in range(len(rng)):
        angle = math.radians(float(tilt[row, 0]))
        for top, left, long, near, bright in draws[row].tolist():
            _draw(
                layer[row],
                middle=(top * height, left * width),
                half=max(0.5, (0.3 + 0.7 * long) * length * height / 2),
                angle=angle,
                thick=max(0.35, (0.5 + near) * min(height, width) / 448),
                light=strength * (0.3 + 0.7 * bright),
            )
    return layer.unsqueeze(1)


def _draw(
    layer: Tensor,
    *,
    middle: tuple[float, float],
    half: float,
    angle: float,
    thick: float,
    light: float,
) -> None:
    """Put one streak on a layer `[H, W]`, in place, where it is brighter than what is there."""
    import torch

    down, across = math.cos(angle), math.sin(angle)
    reach = half * down + 3 * thick, half * abs(across) + 3 * thick
    top, bottom = _range(middle[0], reach[0], layer.shape[0])
    left, right = _range(middle[1], reach[1], layer.shape[1])
    if top >= bottom or left >= right:
        return
    y = torch.arange(top, bottom).view(-1, 1) + (0.5 - middle[0])
    x = torch.arange(left, right) + (0.5 - middle[1])
    along, beside = y * down + x * across, x * down - y * across
    profile = torch.exp(-0.5 * (beside / (2 * _SOFT * thick)) ** 2)
    ends = ((half - along.abs()) / thick).clamp(0, 1)
    part = layer[top:bottom, left:right]
    torch.maximum(part, light * profile * ends, out=part)


def _range(middle: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, math.floor(middle - reach)), min(size, math.ceil(middle + reach))
