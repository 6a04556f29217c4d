"""Gradients against finite differences, where `differentiable` is claimed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from adversity.testing.checks import NotApplicable, check, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity.testing.bench import Bench

__all__ = ["gradient_is_right", "slopes"]

AGREEMENT = 0.05
"""How far the slopes may be apart, as a share of their size. In float32 a difference quotient
over 5e-4 carries about 1e-4 of rounding for each value, and clips and maxima that are crossed
on the way a few hundredths; a gradient that is detached, doubled or of another function is off
by a tenth or more."""


@check("The gradient is that of finite differences, where `differentiable` is claimed.")
def gradient_is_right(bench: Bench) -> str:
    """Compare slopes along random directions through the chain as an attack differentiates it.

    All slopes of a case are compared together: one alone may be near zero.
    """
    if not bench.cls.differentiable:
        raise NotApplicable("no gradient is claimed; attacks go round it (BPDA)")
    traced = getattr(bench, "traced", None)
    if traced is None:
        raise NotApplicable("the kit cannot differentiate this kind")
    told = []
    for case in bench.cases()[:3]:
        pairs = slopes(traced, case.rows["images"])
        size = math.hypot(*(tried for _, tried in pairs))
        require(size > 1e-6, f"expected an answer that depends on {case.name}, every slope is 0")
        gap = math.hypot(*(exact - tried for exact, tried in pairs)) / size
        exact, tried = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
        require(
            gap <= AGREEMENT,
            f"expected gradients within {AGREEMENT:.0%} of finite differences on {case.name}, they "
            f"are {gap:.1%} apart (by the gradient {exact:.4g}, by differences {tried:.4g}). If a "
            "step of it has no gradient, say `differentiable = False`",
        )
        told.append(f"{gap:.2%}")
    return f"{', '.join(told)} from finite differences"


def slopes(
    function: Callable[[Tensor], Tensor], images: Tensor, *, directions: int = 6
) -> list[tuple[float, float]]:
    """Return slopes of a weighted sum of the answer along random directions.

    Args:
        function: From images `[N, C, H, W]` to any tensor, differentiable.
        images: `[N, C, H, W]` float32 in [0, 1].
        directions: How many.

    Returns:
        Pairs: by the gradient, by the central difference quotient.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    inside = images.clamp(0.05, 0.95)
    found = []
    for _ in range(directions):
        way = torch.rand(inside.shape, generator=draw) * 2 - 1
        point = inside.clone().requires_grad_()
        answer = function(point)
        weights = torch.rand(answer.shape, generator=draw)
        if not answer.requires_grad:
            found.append((0.0, _quotient(function, inside, way, weights)))
            continue
        (gradient,) = torch.autograd.grad(answer, point, weights)
        exact = float((gradient.double() * way.double()).sum())
        found.append((exact, _quotient(function, inside, way, weights)))
    return found


def _quotient(
    function: Callable[[Tensor], Tensor], images: Tensor, way: Tensor, weights: Tensor
) -> float:
    """Return the central difference over 5e-4 along `way`, summed in float64."""
    import torch

    step = 2.5e-4
    with torch.no_grad():
        ahead, behind = function(images + step * way), function(images - step * way)
    change: Any = ((ahead.double() - behind.double()) * weights.double()).sum() / (2 * step)
    return float(change)
