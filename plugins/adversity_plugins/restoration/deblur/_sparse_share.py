"""Sharp slopes whose sum of sizes is small for their length: "l1 / l2", which a blur makes larger.

    min_x |k * x - y|^2 / 2 + weight |x|_1 / |x|_2

in the slopes x and y of the images, y brought to the length 1. With |x|_2 as it was, this is least
squares with a plain l1 penalty, which iterative shrinkage-thresholding goes down; then |x|_2 is
taken anew.

The slopes of a scale are found under the kernel of the scale before until they are settled. If a
kernel is fitted after a few steps from x = y, it is the one that blurs nothing, and so are those
that follow: on eight photos a start of two steps ended at a similarity of 0.34.

Reference: Krishnan, Tay, Fergus, "Blind deconvolution using a normalized sparsity measure", 2011,
section 3 and algorithms 1 to 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._blurring import Blurring
from adversity_plugins.restoration.deblur._coarse_to_fine import next_kernel

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["from_sparse_slopes", "sparse_slopes"]

_STEP = 0.9
"""Below 1, the Lipschitz constant of the residual's gradient under a kernel that sums to 1."""
_STEPS = 12
"""Between two looks at the length."""
_LOOKS, _FIRST_LOOKS = 2, 8
"""In each turn, and in the first of a scale."""
_BRIGHT = 100.0
"""Length of the slopes to which kernels are fitted, as of an image with values in [0, 1]: there
the ridge has its size."""


def from_sparse_slopes(
    image: Tensor, kernel: Tensor, number: int, *, weight: float, turns: int
) -> Tensor:
    """Return the kernel of one scale.

    Args:
        image: `[H, W]`, blurred.
        kernel: `[k, k]`, that of the scale before, as large as it is here.
        number: Of the scale, 0 for the coarsest.
        weight: Of |x|_1 / |x|_2.
        turns: How often slopes and kernel are found.
    """
    field, sharp = _inner_slopes(image), None
    length = field.norm()
    if not length > 0:
        return kernel
    field = field / length
    if number == 0:
        kernel = _smear(kernel)
    for _ in range(turns):
        blur = Blurring(kernel, *field.shape[1:], circular=False)
        looks = _LOOKS if sharp is not None else _FIRST_LOOKS
        start = blur.unseen(field) if sharp is None else sharp
        sharp = sparse_slopes(field, blur, start, weight=weight, looks=looks)
        whole = blur.completed(field, blur.spread(sharp))
        kernel = next_kernel(_BRIGHT * sharp, _BRIGHT * whole, kernel)
    return kernel


def sparse_slopes(
    field: Tensor, blur: Blurring, start: Tensor, *, weight: float, looks: int
) -> Tensor:
    """Return the sharp slopes `[2, H', W']` on the domain of the blur.

    Args:
        field: `[2, H, W]`, slopes of the blurred image, of length 1.
        blur: Of them.
        start: `[2, H', W']`, not all 0.
        weight: Of |x|_1 / |x|_2.
        looks: How often |x|_2 is taken anew.
    """
    sharp = start
    for _ in range(looks):
        length = sharp.norm()
        if not length > 0:
            return sharp
        price = _STEP * weight / length
        for _ in range(_STEPS):
            residual = blur.unseen(blur.seen(blur.spread(sharp)) - field)
            moved = sharp - _STEP * blur.gathered(residual)
            sharp = moved.sign() * (moved.abs() - price).clamp(min=0)
    return sharp


def _inner_slopes(image: Tensor) -> Tensor:
    """Return the differences down and right, `[2, H - 1, W - 1]`, none across the border."""
    import torch

    return torch.stack([image.diff(dim=0)[:, :-1], image.diff(dim=1)[:-1]])


def _smear(kernel: Tensor) -> Tensor:
    """Return the mean over 3 x 3 pixels, to begin with."""
    middle = len(kernel) // 2
    smear = kernel.new_zeros(kernel.shape)
    smear[middle - 1 : middle + 2, middle - 1 : middle + 2] = 1 / 9
    return smear
