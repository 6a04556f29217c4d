"""The sharp image with few slopes and few dark pixels that are not black.

A blur mixes what is darkest with its neighbours: the dark channel of a sharp image, the least
value of each window, is 0 at more places. With D(x) the dark channel, half-quadratic splitting of

    min_x |k * x - y|^2 + slopes #{grad x != 0} + darks #{D(x) != 0}

has two layers: copies of the dark pixels are found and drawn to, each time harder, and for each
pull the slopes are found as in `few_slopes`.

Reference: Pan, Sun, Pfister, Yang, "Blind image deblurring using dark channel prior", 2016,
section 4 and algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._blurring import slopes, slopes_back
from adversity_plugins.restoration.deblur._few_slopes import worth_their_price

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

__all__ = ["darkest", "few_slopes_and_darks"]

_BRIGHT = 0.2
"""Square of the value up to which, at first, a dark pixel is drawn to black. The published program
takes Otsu's threshold of the squared image."""
_HARDEST_SLOPES, _HARDEST_DARKS = 10.0, 0.5
"""Pulls at which it ends. The published program ends at 1e5 and 8: slower, and no better here."""


def few_slopes_and_darks(
    whole: Tensor, blur: Blurring, weight: float, *, size: int, share: float
) -> Tensor:
    """Return the sharp image `[H', W']` of a blurred one on the domain of its blur.

    Args:
        whole: `[H', W']`, the blurred image and what is thought to be around it.
        blur: Of it.
        weight: Of the number of slopes.
        size: Side of the windows of the dark channel, odd.
        share: Of this weight, that of the dark pixels.
    """
    import torch

    power, pull = blur.spectrum.abs() ** 2, share * weight / _BRIGHT
    seen = blur.transform(whole) * blur.spectrum.conj()
    sharp = whole
    while pull < _HARDEST_DARKS:
        black = darkest(sharp, size) & (sharp.square() < share * weight / pull)
        right = seen + pull * blur.transform(torch.where(black, 0, sharp))
        steep = 2 * weight
        while steep < _HARDEST_SLOPES:
            wanted = slopes_back(worth_their_price(slopes(sharp), weight / steep))
            drawn = right + steep * blur.transform(wanted)
            sharp = blur.back(drawn / (power + pull + steep * blur.roughness))
            steep *= 2
        pull *= 4
    return sharp


def darkest(image: Tensor, size: int) -> Tensor:
    """Return where `[H, W]` has the least value of some window; of equal ones the first counts.

    Args:
        image: `[H, W]`.
        size: Side of the windows, odd; they are cut off at the border.
    """
    import torch
    from torch.nn.functional import max_pool2d

    half = size // 2
    deep, rows = max_pool2d(
        -image[None, None], (size, 1), stride=1, padding=(half, 0), return_indices=True
    )
    _, columns = max_pool2d(deep, (1, size), stride=1, padding=(0, half), return_indices=True)
    where = rows.flatten()[columns.flatten()]
    chosen = torch.zeros(image.numel(), dtype=torch.bool, device=image.device)
    return chosen.index_fill(0, where, True).view_as(image)  # noqa: FBT003
