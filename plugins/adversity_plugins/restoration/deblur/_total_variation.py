"""Deblurring by least total variation, until the duality gap is small.

min_x |M C x - y|^2 / 2 + weight TV(x) over 0 <= x <= 1 on the domain of the blur, TV the sum over
pixels of the length of all differences, round the border and in all channels together. Copies of
C x, of the slopes and of x are drawn to them by the alternating direction method of multipliers:
x by one transform, each copy pixel by pixel. The multipliers are dual variables: q of the
residual and p, no longer than `weight`, of the slopes. Since x is bounded, any such pair bounds
the optimum from below by -|q|^2 / 2 - q y + sum min(0, (M C)' q + D' p).

Reference: Almeida and Figueiredo, "Deconvolving images with unknown boundaries using the
alternating direction method of multipliers", 2013; for the bound: Chambolle and Pock, "A
first-order primal-dual algorithm for convex problems with applications to imaging", 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity_plugins.restoration.deblur._blurring import slopes, slopes_back

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

__all__ = ["Solved", "relative_gap", "solved"]

_EVERY = 20
"""Iterations between two looks at the gap."""
_MOST = 5_000
_LEAST = 1e-6
"""Of an image that is already flat the objective is next to 0: a share of it says nothing."""
_FURTHER = 1.8
"""Over-relaxation: how far each step goes."""
_LIGHT, _EDGE, _BOUND = 0.01, 3.0, 1.0
"""How hard the copies are drawn; the last two in units of the weight. Of thirty combinations, tried
on three blurs and weights of 2e-4 to 1e-3, near those with the fewest iterations."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The image, and how far its objective can be from the least.

    Attributes:
        image: `[C, H', W']` within [0, 1], on the domain of the blur.
        gap: Primal minus dual objective, as a share of the primal.
        iterations: How many it took.
    """

    image: Tensor
    gap: float
    iterations: int


def solved(image: Tensor, blur: Blurring, weight: float, tolerance: float) -> Solved:
    """Return the deblurred image.

    Args:
        image: `[C, H, W]`.
        blur: Of it.
        weight: Of the variation, above 0.
        tolerance: Where the gap, as a share of the primal objective, is small enough.

    Raises:
        DataError: If the gap does not become so small.
    """
    import torch

    light, edge, bound = _LIGHT, _EDGE * weight, _BOUND * weight
    given = image.double()
    inverse = 1 / (light * blur.spectrum.abs() ** 2 + edge * blur.roughness + bound)
    sharp = blur.continued(given)
    copies = [blur.spread(sharp), slopes(sharp), sharp]
    off = [torch.zeros_like(copy) for copy in copies]
    gap = float("inf")
    for done in range(1, _MOST + 1):
        first, second, third = (copy - miss for copy, miss in zip(copies, off, strict=True))
        right = edge * slopes_back(second) + bound * third
        spectrum = light * blur.transform(first) * blur.spectrum.conj() + blur.transform(right)
        sharp = blur.back(spectrum * inverse)
        made = (blur.spread(sharp), slopes(sharp), sharp)
        near = [
            _FURTHER * value + (1 - _FURTHER) * copy + miss
            for value, copy, miss in zip(made, copies, off, strict=True)
        ]
        seen = (given + light * blur.seen(near[0])) / (1 + light)
        copies = [
            blur.completed(seen, near[0]),
            _shortened(near[1], weight / edge),
            near[2].clamp(0, 1),
        ]
        off = [value - copy for value, copy in zip(near, copies, strict=True)]
        if done % _EVERY == 0:
            best, duals = copies[2], (light * blur.seen(off[0]), edge * off[1])
            gap = relative_gap(given, blur, weight, best, duals)
            if gap <= tolerance:
                return Solved(best.to(image), gap, done)
    raise DataError(
        f"tv_deconvolution: expected a duality gap of {tolerance:g} of the objective or less, got "
        f"{gap:.2g} after {_MOST} iterations; use a larger tolerance"
    )


def relative_gap(
    image: Tensor, blur: Blurring, weight: float, sharp: Tensor, duals: tuple[Tensor, Tensor]
) -> float:
    """Return primal minus dual objective as a share of the primal, at least of 1e-6 a value.

    Args:
        image: `[C, H, W]` float64.
        blur: Of it.
        weight: Of the variation.
        sharp: `[C, H', W']` within [0, 1].
        duals: q `[C, H, W]` and p `[2, C, H', W']`, which is shortened to `weight` where longer.
    """
    residual, field = duals
    field = field - _shortened(field, weight)
    lengths = slopes(sharp).square().sum((0, 1)).sqrt()
    misfit = (blur.seen(blur.spread(sharp)) - image).square().sum() / 2
    primal = float(misfit + weight * lengths.sum())
    push = blur.gathered(blur.unseen(residual)) + slopes_back(field)
    dual = float(push.clamp(max=0).sum() - residual.square().sum() / 2 - (residual * image).sum())
    return (primal - dual) / max(primal, _LEAST * sharp.numel())


def _shortened(field: Tensor, by: float) -> Tensor:
    """Shorten the vector of each pixel, of all channels, by so much, at most to 0."""
    length = field.square().sum((0, 1)).sqrt()
    return field * (1 - by / length.clamp(min=by))
