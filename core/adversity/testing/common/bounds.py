"""Gradients where images are exactly 0 or 1: moving inwards must be felt there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.testing.bench.checks import NotApplicable, check, require
from adversity.testing.common.gradients import (
    AGREEMENT,
    FLAT,
    all_networks,
    in_float64,
    takes_float64,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

    from adversity.testing.bench.bench import Case
    from adversity.testing.kinds.classifier import ClassifierBench
    from adversity.testing.kinds.degradation import DegradationBench
    from adversity.testing.kinds.restoration import RestorationBench

__all__ = ["bounds_are_felt", "hidden_bounds"]

STEPS = (2.5e-4, 6e-5, 4e-3)
"""How far inwards in float32, each tried where those before disagree. A slope that is infinite at
the bound, as a square root's, has no right value: the gradient then lies between two quotients."""
WIDE = 1e-6
"""How far in float64, at last: of a deep network only so small a step crosses no bend."""
INSIDE = 0.01
"""So far from the bounds the same is tried where they disagree."""
SMALL = 0.05
"""Part of the steepest group's slope below which another's is not looked at by itself: a sum of
random signs may come out near zero."""


@check("Pixels of exactly 0 and 1 have the gradient of moving them inwards, if one is claimed.")
def bounds_are_felt(bench: ClassifierBench | DegradationBench | RestorationBench) -> str:
    """Compare the gradient with one-sided differences, on two images.

    `gradient_is_right` stays away from the bounds. Many real images do not, and behind a clamp
    that has no derivative at its bounds an attack never learns what such pixels do.
    """
    if not bench.cls.differentiable:
        raise NotApplicable("no gradient is claimed; attacks go round it (BPDA)")
    case = bench.answered[0]
    gap, words = hidden_bounds(bench.traced, case, networks=all_networks(bench.ready.plugin))
    require(gap <= AGREEMENT, f"{words} on {case.name}: {ADVICE}")
    return f"{gap:.2%} from one-sided differences"


ADVICE = (
    "limit values with `adversity.clip`; `clamp`, `clip` and ReLUs have the derivative 0 at a "
    "bound, `minimum` and `maximum` a half"
)


def hidden_bounds(
    function: Callable[[Tensor], Tensor],
    case: Case,
    *,
    like: Callable[[Tensor], Tensor] | None = None,
    networks: Sequence[nn.Module] = (),
) -> tuple[float, str]:
    """Return how far the gradient at the bounds is from one-sided differences, at worst.

    Where it is as far off a little inside, the bounds are not to blame: then it is 0.

    Args:
        function: From images `[N, C, H, W]` to any tensor, differentiable.
        case: Whose images; two rows of it.
        like: Whose differences are taken; the function's own without it.
        networks: What the function computes with; as they were afterwards.

    Returns:
        The distance as a share of the slope, and the group of pixels with both slopes in words.
    """
    given = case.take(range(min(2, len(case)))).rows["images"]
    like = like or function
    hidden = _narrow_and_wide(function, given, like, networks, 0.0)
    if hidden[0] <= AGREEMENT:
        return hidden
    gap, _ = _narrow_and_wide(function, given, like, networks, INSIDE)
    return hidden if gap <= AGREEMENT else (0.0, "see `gradient_is_right`")


def _narrow_and_wide(
    function: Callable[[Tensor], Tensor],
    given: Tensor,
    like: Callable[[Tensor], Tensor],
    networks: Sequence[nn.Module],
    inside: float,
) -> tuple[float, str]:
    """Compare in float32, and in float64 where that disagrees and the function computes in it."""
    narrow = _compared(function, given, like, STEPS, inside)
    if narrow[0] <= AGREEMENT:
        return narrow
    with in_float64(networks):
        if not takes_float64(function, given):
            return narrow
        return min(narrow, _compared(function, given.double(), like, (WIDE,), inside))


def _compared(
    function: Callable[[Tensor], Tensor],
    given: Tensor,
    like: Callable[[Tensor], Tensor],
    steps: Sequence[float],
    inside: float,
) -> tuple[float, str]:
    """Compare the slope of a weighted answer with quotients, until they agree."""
    import torch

    images, ways = _at_bounds(given, inside)
    point = images.clone().requires_grad_()
    answer = function(point)
    weights = torch.rand(answer.shape, generator=torch.Generator().manual_seed(0)).to(answer)
    gradient = torch.zeros_like(images)
    if answer.requires_grad:
        own = torch.autograd.grad(answer, point, weights, allow_unused=True)[0]
        gradient = gradient if own is None else own
    exact = {name: float((gradient.double() * way.double()).sum()) for name, way in ways.items()}
    tried: dict[str, list[float]] = {name: [] for name in ways}
    worst = (float("inf"), "")
    for step in steps:
        for name, quotient in _quotients(like, images, ways, weights, step).items():
            tried[name].append(quotient)
        worst = _worst(exact, tried)
        if worst[0] <= AGREEMENT:
            break
    return worst


def _at_bounds(images: Tensor, inside: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return images with pixels so far inside the bounds, and groups of those with the way inwards.

    Single values on every other row and column are 0 or 1, one channel of a pixel, so that no
    two neighbours and no two channels tie: there a maximum has no derivative. The last quarter
    is white, and moves as one: weights that sum to 1 but for rounding make it 1.0000001.
    """
    import torch

    draw = torch.Generator().manual_seed(1)
    noise = 2 * torch.rand(images.shape, generator=draw).to(images) - 1
    images = images.clamp(0.05, 0.95) + 0.02 * noise
    _, channels, height, width = images.shape
    c, y, x = torch.meshgrid(*map(torch.arange, images.shape[1:]), indexing="ij")
    beside = (y >= height // 2 - 1) & (x >= width // 2 - 1)
    white = (y > height // 2) & (x > width // 2)
    single = (y % 2 == 0) & (x % 2 == 0) & (c == (y + x) // 2 % channels) & ~beside
    black = single & ((y // 2 + x // 2) % 4 < 2)
    masks = {"0": black, "1": single & ~black, "1, in a white area,": white}
    for name, mask in masks.items():
        images[:, mask] = inside if name == "0" else 1.0 - inside
    amount = 0.5 + 0.5 * torch.rand(images.shape, generator=draw).to(images)
    amount[:, white] = 1.0
    ways = {name: mask * amount * (1 if name == "0" else -1) for name, mask in masks.items()}
    return images, ways


def _quotients(
    function: Callable[[Tensor], Tensor],
    images: Tensor,
    ways: Mapping[str, Tensor],
    weights: Tensor,
    step: float,
) -> dict[str, float]:
    """Return the slope of the weighted answer along each way, by a one-sided difference."""
    import torch

    with torch.no_grad():
        start = function(images).double()
        return {
            name: float(
                ((function(images + step * way).double() - start) * weights.double()).sum() / step
            )
            for name, way in ways.items()
        }


def _worst(exact: Mapping[str, float], tried: Mapping[str, list[float]]) -> tuple[float, str]:
    """Return how far the worst slope is outside its quotients, as a share, and say which."""
    sizes = {name: max(map(abs, quotients)) for name, quotients in tried.items()}
    least = max(SMALL * max(sizes.values()), FLAT)
    gaps = []
    for name, quotients in tried.items():
        outside = max(min(quotients) - exact[name], exact[name] - max(quotients), 0.0)
        # NaN is no slope; a comparison with it would pass it.
        gap = outside / max(sizes[name], least) if exact[name] == exact[name] else float("inf")
        words = (
            f"expected pixels of exactly {name} to have the gradient of moving them inwards, it "
            f"is {gap:.1%} off (by the gradient {exact[name]:.4g}, by differences "
            f"{quotients[0]:.4g})"
        )
        gaps.append((gap, words))
    return max(gaps, key=lambda pair: pair[0])
