"""Blind deblurring from coarse to fine: sharp image and kernel are found by turns at each scale.

On a small copy of the image the blur is small, and a few strong edges tell it. Its kernel, made
larger, is where the next scale begins: each is sqrt(2) times as large as the one before.

Reference: Fergus, Singh, Hertzmann, Roweis, Freeman, "Removing camera shake from a single
photograph", 2006, section 4.1 (scales); Pan, Sun, Pfister, Yang, "Blind image deblurring using
dark channel prior", 2016 (the turns, and how the kernel is cleaned); Cho and Lee, "Fast motion
deblurring", 2009 (which slopes the kernel is fitted to).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from adversity_plugins.restoration.deblur import _kernels
from adversity_plugins.restoration.deblur._blurring import Blurring, slopes

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "AtOneScale",
    "Sharper",
    "Turns",
    "by_turns",
    "kernel_of",
    "next_kernel",
    "scales",
    "widest",
]

_SMALLEST = 5
"""Side of a kernel, in pixels, below which no coarser scale is begun."""
_OF_IMAGE = 3
"""Kernels wider than this part of the shorter side are not looked for: too few pixels tell them."""
_FLAT = 1 / 255
"""An image none of whose neighbours differ by more tells nothing of its blur."""
_LEAST, _PART = 0.1, 0.1
"""How a kernel is cleaned. The published program has 0.05 for the first until the last scale; on
24 blurs of 8 photos 0.1 was better for all."""
_ENOUGH = 0.7
"""So many times the kernel's side times the root of the number of pixels are the slopes it is
fitted to; on these blurs 1 and 1.5 were worse, and so were all slopes."""
_RIDGE = 1.0
"""Of the fit, for image values in [0, 1]."""


class Sharper(Protocol):
    """How a sharp image is found under a kernel."""

    def __call__(self, whole: Tensor, blur: Blurring, weight: float) -> Tensor:
        """Return it on the domain of the blur, `[H', W']`.

        Args:
            whole: `[H', W']`, the blurred image and what is thought to be around it.
            blur: Of it.
            weight: Of the prior, less from turn to turn.
        """


class AtOneScale(Protocol):
    """How the kernel of one scale is found."""

    def __call__(self, image: Tensor, kernel: Tensor, number: int) -> Tensor:
        """Return it, `[k, k]`.

        Args:
            image: `[H, W]`, blurred.
            kernel: `[k, k]`, that of the scale before, as large as it is here.
            number: Of the scale, 0 for the coarsest.
        """


@dataclass(frozen=True, slots=True)
class Turns:
    """How image and kernel are found by turns.

    Attributes:
        count: At each scale.
        weight: Of the prior, in the first turn of all.
        fall: By what the weight is divided after each turn.
        least: Weight below which it does not fall.
    """

    count: int
    weight: float
    fall: float = 1.2
    least: float = 1e-4


def scales(side: int) -> list[tuple[float, int]]:
    """Return size of image and side of kernel for each scale, the coarsest first; the last is 1."""
    steps = max(0, math.floor(2 * math.log2(side / _SMALLEST))) if side > _SMALLEST else 0
    sizes = (0.5 ** (step / 2) for step in range(steps, -1, -1))
    return [(size, math.ceil(side * size) // 2 * 2 + 1) for size in sizes]


def scaled(image: Tensor, size: float) -> Tensor:
    """Return `[H, W]` so many times as large, at most 1, each pixel the mean of what it covers."""
    from torch.nn.functional import interpolate

    if size == 1:
        return image
    shape = [max(1, round(length * size)) for length in image.shape]
    return interpolate(image[None, None], size=shape, mode="bilinear", antialias=True)[0, 0]


def widest(image: Tensor, side: int) -> int:
    """Return the side of the widest kernel that is looked for, at most `side`."""
    return min(side, (min(image.shape) // _OF_IMAGE - 1) // 2 * 2 + 1)


def kernel_of(image: Tensor, side: int, at_one_scale: AtOneScale) -> Tensor:
    """Return the kernel `[side, side]` with which a sharp image was correlated.

    It is looked for up to a third of the image's shorter side; what is beyond is 0. For an image
    without edges it is the one that blurs nothing.

    Args:
        image: `[H, W]`, blurred.
        side: Odd.
        at_one_scale: How the kernel of a scale is found.
    """
    most = widest(image, side)
    if most < 3 or max(float(image.diff(dim=axis).abs().max()) for axis in (0, 1)) <= _FLAT:
        return _kernels.delta(side, image)
    kernel, before = _kernels.delta(1, image), 1.0
    for number, (size, its_side) in enumerate(scales(most)):
        kernel = _kernels.enlarged(kernel, its_side, size / before)
        kernel = _kernels.centred(at_one_scale(scaled(image, size), kernel, number))
        before = size
    return _kernels.widened(kernel, side)


def by_turns(
    image: Tensor, kernel: Tensor, number: int, *, sharper: Sharper, turns: Turns
) -> Tensor:
    """Return the kernel of one scale, found by turns with a sharp image.

    Args:
        image: `[H, W]`, blurred.
        kernel: `[k, k]`, that of the scale before, as large as it is here.
        number: Of the scale, 0 for the coarsest.
        sharper: How the sharp image is found.
        turns: How often, and under what weight.
    """
    height, width = image.shape
    sharp = None
    for turn in range(number * turns.count, (number + 1) * turns.count):
        blur = Blurring(kernel, height, width, circular=False)
        around = blur.continued(image)
        whole = around if sharp is None else blur.completed(image, blur.spread(sharp))
        sharp = sharper(whole, blur, max(turns.weight / turns.fall**turn, turns.least))
        kernel = next_kernel(slopes(sharp), slopes(whole), kernel)
    return kernel


def next_kernel(sharp: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
    """Return the kernel fitted to the strongest slopes, and cleaned; the old one if none is left.

    Args:
        sharp: `[2, H, W]`, slopes.
        blurred: Like it.
        kernel: `[k, k]`, the old one.
    """
    fit = _kernels.fitted(strongest(sharp, len(kernel)), blurred, len(kernel), _RIDGE)
    found = _kernels.cleaned(fit, least=_LEAST, part=_PART)
    return kernel if found is None else found


def strongest(field: Tensor, side: int) -> Tensor:
    """Return slopes `[2, H, W]`, 0 but for the longest: faint edges are noise to a kernel."""
    import torch

    length = field.square().sum(0)
    count = min(length.numel(), int(_ENOUGH * side * math.sqrt(length.numel())))
    least = length.flatten().topk(count).values[-1]
    return torch.where(length >= least, field, 0)
