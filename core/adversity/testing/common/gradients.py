"""Gradients against finite differences, where `differentiable` is claimed."""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from adversity.contracts.nested import nested_in
from adversity.engine.calls.networks import networks_of
from adversity.testing.bench.checks import NotApplicable, check, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from adversity.contracts import PluginBase
    from adversity.testing.bench.bench import Case
    from adversity.testing.kinds.classifier import ClassifierBench
    from adversity.testing.kinds.degradation import DegradationBench
    from adversity.testing.kinds.restoration import RestorationBench
    from adversity.testing.kinds.uncertainty import PostHocBench, SamplingBench

    Traced: TypeAlias = (
        ClassifierBench | DegradationBench | RestorationBench | PostHocBench | SamplingBench
    )

__all__ = [
    "all_networks",
    "disagreement",
    "few_rows",
    "gradient_is_right",
    "in_float64",
    "slopes",
    "takes_float64",
]

AGREEMENT = 0.05
"""How far the slopes may be apart, as a share of their size. In float32 a difference quotient
over 5e-4 carries about 1e-4 of rounding for each value, and clips and maxima that are crossed
on the way a few hundredths; a gradient that is detached, doubled or of another function is off
by a tenth or more."""

ATTEMPTS = ((False, 2.5e-4), (False, 6e-5), (True, 1e-6))
"""Whether in float64, and half the width of a difference quotient. The next is tried where the
one before disagrees: the narrower, the fewer of the function's bends are crossed. At 1e-6 only
float64 is exact enough: networks are made wide for it, and what then does not compute in float64
is left out."""

DIRECTIONS = 4
"""Random ones, in each of which a slope is compared."""

FLAT = 1e-6
"""A function whose slopes are smaller, all together, does not change. In float64 rounding leaves
1e-10 of a difference quotient for each value; images and answers are of the size of 1."""


@check("The gradient is that of finite differences, where `differentiable` is claimed.")
def gradient_is_right(bench: Traced) -> str:
    """Compare slopes along random directions through the chain as an attack differentiates it.

    All slopes of a case are compared together: one alone may be near zero.
    """
    if not bench.cls.differentiable:
        raise NotApplicable("no gradient is claimed; attacks go round it (BPDA)")
    summary = []
    cases = bench.effort.some(bench.answered[:3], 1, "cases")  # answered, the plugin is timed
    ways = len(bench.effort.some(range(DIRECTIONS), 2, "directions"))
    for case in cases:
        networks = all_networks(bench.ready.plugin)
        gap, exact, tried = disagreement(
            bench.traced, few_rows(case), networks=networks, directions=ways
        )
        require(
            gap <= AGREEMENT,
            f"expected gradients within {AGREEMENT:.0%} of finite differences on {case.name}, they "
            f"are {gap:.1%} apart (by the gradient {exact:.4g}, by differences {tried:.4g}). If a "
            "step of it has no gradient, say `differentiable = False`",
        )
        summary.append(f"{gap:.2%}")
    return f"{', '.join(summary)} from finite differences"


def all_networks(plugin: PluginBase) -> list[nn.Module]:
    """Return the networks that a plugin computes with: its own, and those of plugins in its parameters.

    Of these only what was made ready is there, and nothing else was asked.
    """
    calls = [nested.ready() for nested in nested_in(plugin) if nested.is_ready]
    inner = [call.ready.plugin for call in calls if hasattr(call, "ready")]
    return [*networks_of(plugin), *(network for one in inner for network in all_networks(one))]


def few_rows(case: Case) -> Tensor:
    """Return where to differentiate: two rows, images away from 0 and 1, where clips bend.

    Two rows say whether a formula is right, and more would say it again. No two pixels are
    equal: where they are, a median or a maximum has no derivative.
    """
    import torch

    rows = case.take(range(min(2, len(case)))).rows
    images = rows.get("images")
    if images is None:
        return next(iter(rows.values()))
    draw = torch.Generator().manual_seed(1)
    return images.clamp(0.05, 0.95) + 0.02 * (2 * torch.rand(images.shape, generator=draw) - 1)


def disagreement(
    function: Callable[[Tensor], Tensor],
    values: Tensor,
    *,
    like: Callable[[Tensor], Tensor] | None = None,
    networks: Sequence[nn.Module] = (),
    directions: int = DIRECTIONS,
) -> tuple[float, float, float]:
    """Return how far gradient and difference quotients are apart, over all directions together.

    Args:
        function: Differentiable, from `[N, ...]` to any tensor.
        values: `[N, ...]` float32, where it is differentiated.
        like: Whose differences are taken; the function's own without it.
        networks: What the function computes with; as they were afterwards.
        directions: How many.

    Returns:
        The distance as a share of the quotients' size, infinite if they are all 0, and the pair
        of slopes that is furthest apart: by the gradient, by the difference quotient.
    """
    distances = []
    for wide, step in ATTEMPTS:
        with ExitStack() as stack:
            if wide:
                stack.enter_context(in_float64(networks))
                if not takes_float64(function, values):
                    break
            given = values.double() if wide else values
            pairs = slopes(function, given, directions=directions, like=like, step=step)
        distances.append(_distance(pairs))
        if distances[-1][0] <= AGREEMENT:
            break
    return min(distances)


def _distance(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return how far all pairs are apart together, and the pair that is furthest apart."""
    size = math.hypot(*(tried for _, tried in pairs))
    gap = math.hypot(*(exact - tried for exact, tried in pairs))
    worst = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    return (gap / size if size > FLAT else math.inf, *worst)


@contextmanager
def in_float64(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Let float32 networks compute in float64; there and back no bit is lost.

    A network that holds anything of another type would come back as another.
    """
    import torch

    narrow = [
        network
        for network in networks
        if all(
            value.dtype == torch.float32
            for value in (*network.parameters(), *network.buffers())
            if value.is_floating_point()
        )
    ]
    try:
        for network in narrow:
            network.double()
        yield
    finally:
        for network in narrow:
            network.float()


def takes_float64(function: Callable[[Tensor], Tensor], values: Tensor) -> bool:
    """Say whether the function computes in float64 when given float64, which none promises."""
    import torch

    try:
        with torch.no_grad():
            return function(values.double()).dtype == torch.float64
    except (RuntimeError, TypeError, ValueError):
        return False


def slopes(
    function: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    directions: int = 6,
    like: Callable[[Tensor], Tensor] | None = None,
    step: float = ATTEMPTS[0][1],
) -> list[tuple[float, float]]:
    """Return slopes of a weighted sum of the answer along random directions.

    Args:
        function: From images `[N, C, H, W]` to any tensor, differentiable.
        images: `[N, ...]` float32, where it is differentiated.
        directions: How many.
        like: Whose differences are taken; the function's own without it.
        step: Half the width of the difference quotients.

    Returns:
        Pairs: by the gradient, by the central difference quotient.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    point = images.clone().requires_grad_()
    answer = function(point)
    drawn = [
        (
            torch.rand(images.shape, generator=draw).to(images) * 2 - 1,
            torch.rand(answer.shape, generator=draw).to(answer),
        )
        for _ in range(directions)
    ]
    # All gradients first: they need what the one call kept, which another call may overwrite.
    exact = [_slope(answer, point, way, weights) for way, weights in drawn]
    return [
        (slope, _change(like or function, images, step * way, weights) / step)
        for slope, (way, weights) in zip(exact, drawn, strict=True)
    ]


def _slope(answer: Tensor, point: Tensor, way: Tensor, weights: Tensor) -> float:
    """Return the slope of the weighted answer along a direction, by the gradient."""
    import torch

    if not answer.requires_grad:
        return 0.0
    # Unused: what needs a gradient is a weight, and the images are detached.
    (gradient,) = torch.autograd.grad(answer, point, weights, retain_graph=True, allow_unused=True)
    return 0.0 if gradient is None else float((gradient.double() * way.double()).sum())


def _change(
    function: Callable[[Tensor], Tensor], values: Tensor, shift: Tensor, weights: Tensor
) -> float:
    """Return half the change of the weighted answer from one side to the other, in float64."""
    import torch

    with torch.no_grad():
        ahead, behind = function(values + shift), function(values - shift)
    change: Any = ((ahead.double() - behind.double()) * weights.double()).sum() / 2
    return float(change)
