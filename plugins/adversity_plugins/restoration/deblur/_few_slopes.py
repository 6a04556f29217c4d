"""The sharp image with few slopes that are not 0: the counting penalty, "L0", on the gradient.

min_x |k * x - y|^2 + weight #{grad x != 0} by half-quadratic splitting: of the slopes of x those
are kept that are worth their price, then x is drawn to them by one transform, each time harder.

Reference: Xu, Lu, Xu, Jia, "Image smoothing via L0 gradient minimization", 2011, algorithm 1; Xu,
Zheng, Jia, "Unnatural L0 sparse representation for natural image deblurring", 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._blurring import slopes, slopes_back

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

__all__ = ["few_slopes", "worth_their_price"]

_HARDEST = 1e3
"""Pull at which it ends: then nothing moves any more, while the published program ends at 1e5."""


def few_slopes(whole: Tensor, blur: Blurring, weight: float) -> Tensor:
    """Return the sharp image `[H', W']` of a blurred one on the domain of its blur."""
    power = blur.spectrum.abs() ** 2
    seen = blur.transform(whole) * blur.spectrum.conj()
    sharp, pull = whole, 2 * weight
    while pull < _HARDEST:
        wanted = slopes_back(worth_their_price(slopes(sharp), weight / pull))
        right = seen + pull * blur.transform(wanted)
        sharp = blur.back(right / (power + pull * blur.roughness))
        pull *= 2
    return sharp


def worth_their_price(field: Tensor, price: float) -> Tensor:
    """Return argmin_g price #{g != 0} + |g - field|^2 for each pixel of `[2, H, W]`."""
    import torch

    return torch.where(field.square().sum(0) < price, 0, field)
