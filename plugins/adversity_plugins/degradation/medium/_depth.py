"""Synthetic depth: how far away a scene might be, where an image comes without a depth map.

Relative depth in (0, 1], 1 for the farthest. It knows nothing of what the image shows, so things
are not where it says; their number, sizes and edges are those of real scenes seen in
perspective.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["DepthKind", "depth_map"]

DepthKind: TypeAlias = Literal["ground", "corridor", "smooth", "flat", "scene"]

_NEAR = 0.1
"""Depth of the nearest: a tenth of the farthest."""
_THINGS = 6
"""Upright things in `scene`."""
_PATCHES = 4
"""Random values along each side of `smooth`."""


def depth_map(kind: DepthKind, rng: SampleRng, height: int, width: int) -> Tensor:
    """Return depth `[N, 1, H, W]` float32, each image's own by its random stream.

    Args:
        kind: `ground`: a plane that recedes to a horizon, beyond which all is far;
            `corridor`: walls around a vanishing point; `smooth`: a random surface; `flat`:
            everything at depth 1; `scene`: the ground with upright things on it.
        rng: Where the horizon is, and so on; each kind has streams of its own.
        height: H.
        width: W.

    Returns:
        Within [0.1, 1]. The same scene at any size.
    """
    import torch

    own = rng.child(f"depth {kind}")
    down = (torch.arange(height) + 0.5).div(height).view(1, height, 1)
    across = (torch.arange(width) + 0.5).div(width).view(1, 1, width)
    if kind == "flat":
        depth = torch.ones(len(rng), height, width)
    elif kind == "smooth":
        depth = _smooth(own, height, width)
    elif kind == "corridor":
        depth = _corridor(own, down, across)
    else:
        horizon = 0.25 + 0.25 * own.uniform((1, 1))
        depth = _ground(down, horizon).expand(-1, -1, width)
        if kind == "scene":
            depth = _with_things(depth, own, horizon, down, across)
    return depth.unsqueeze(1)


def _ground(down: Tensor, horizon: Tensor) -> Tensor:
    """Return the depth of a plane, which is inversely as the distance from the horizon."""
    below = ((down - horizon) / (1 - horizon)).clamp(min=_NEAR)
    return _NEAR / below


def _with_things(
    depth: Tensor, rng: SampleRng, horizon: Tensor, down: Tensor, across: Tensor
) -> Tensor:
    """Stand boxes on the ground: as deep as the ground at their feet, the smaller the farther."""
    import torch

    draws = rng.uniform((_THINGS, 4)).unbind(-1)
    for foot, middle, tall, wide in zip(*(part.unbind(1) for part in draws), strict=True):
        foot, middle, tall, wide = (part.view(-1, 1, 1) for part in (foot, middle, tall, wide))
        reach = (1 - horizon) * (0.15 + 0.85 * foot)  # from the horizon down to the foot
        bottom = horizon + reach
        inside = (down <= bottom) & (down >= bottom - reach * (0.4 + 1.2 * tall))
        inside = inside & ((across - middle).abs() <= reach * (0.1 + 0.3 * wide))
        depth = torch.where(inside, torch.minimum(depth, _ground(bottom, horizon)), depth)
    return depth


def _corridor(rng: SampleRng, down: Tensor, across: Tensor) -> Tensor:
    """Return the depth of four walls: inversely as the distance from the vanishing point."""
    import torch

    row, column = (0.3 + 0.4 * part.view(-1, 1, 1) for part in rng.uniform((2,)).unbind(1))
    tall = (down - row).abs() / torch.maximum(row, 1 - row)
    wide = (across - column).abs() / torch.maximum(column, 1 - column)
    return _NEAR / torch.maximum(tall, wide).clamp(min=_NEAR)


def _smooth(rng: SampleRng, height: int, width: int) -> Tensor:
    """Return random values between which a cubic surface goes."""
    from torch.nn import functional

    coarse = rng.uniform((1, _PATCHES, _PATCHES))
    fine = functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    return fine.squeeze(1).clamp(0, 1) * (1 - _NEAR) + _NEAR
