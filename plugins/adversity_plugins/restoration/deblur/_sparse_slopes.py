"""Deblurring under few, strong edges: the penalty on slopes is a power below 1 of their size.

min_x strength / 2 |k * x - y|^2 + sum |grad x|^power by half-quadratic splitting: slopes w near
those of x are found pixel by pixel, then x by one transform, and both are drawn together.

Reference: Krishnan and Fergus, "Fast image deconvolution using hyper-Laplacian priors", 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._blurring import slopes, slopes_back

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

__all__ = ["nearest_slope", "sharpened"]

_PULLS = tuple(8 ** (k / 2) for k in range(6))
_NEWTON = 6
"""Steps; from the right of the root each is on its side, and the error squares."""


def nearest_slope(values: Tensor, pull: float, power: float) -> Tensor:
    """Return argmin_w |w|^power + pull / 2 (w - v)^2 for each value v.

    It is 0 up to a threshold, where the objective at 0 and at its other minimum are equal. Beyond,
    that minimum is the larger root of the derivative, convex there: Newton's steps from v fall
    towards it.

    Args:
        values: Any shape.
        pull: Above 0.
        power: In (0, 1).
    """
    import torch

    least = (2 * (1 - power) / pull) ** (1 / (2 - power))
    threshold = least + power / pull * least ** (power - 1)
    size = values.abs()
    stays = size > threshold
    goal = torch.where(stays, size, 2 * threshold)  # a root for all, so that none runs away
    root = goal
    for _ in range(_NEWTON):
        steep = root ** (power - 1)
        slope = power * steep + pull * (root - goal)
        root = root - slope / (power * (power - 1) * steep / root + pull)
    return torch.where(stays, root * values.sign(), 0)


def sharpened(
    image: Tensor, blur: Blurring, *, strength: float, power: float, rounds: int
) -> Tensor:
    """Return a sharp image on the domain of the blur.

    Args:
        image: `[C, H, W]`.
        blur: Of it.
        strength: Weight of the squared residual.
        power: Of the size of a slope, in (0, 1).
        rounds: How often slopes and image are found for each pull.
    """
    power_of_blur = strength * blur.spectrum.abs() ** 2
    whole = sharp = blur.continued(image)
    for pull in _PULLS:
        inverse = 1 / (power_of_blur + pull * blur.roughness)
        for _ in range(rounds):
            wanted = slopes_back(nearest_slope(slopes(sharp), pull, power))
            right = strength * blur.transform(whole) * blur.spectrum.conj()
            sharp = blur.back((right + pull * blur.transform(wanted)) * inverse)
            whole = blur.completed(image, blur.spread(sharp))
    return sharp
