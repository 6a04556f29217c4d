"""An image from its patches, which are denoised without their means and all weigh the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.restoration.denoise._sliding import SIDE, averaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_IMAGE = 30 / 255
"""How much the noisy image counts beside its patches: this over sigma."""


def patchwise(planes: Tensor, estimate: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the mean `[C, H, W]` of all 64 patches that show a pixel, beyond the border mirrored.

    Args:
        planes: `[C, H, W]`.
        estimate: From patches `[P, 64]` of mean 0 denoised ones.
    """
    import torch
    from torch.nn.functional import fold, unfold

    def summed(strip: Tensor) -> Tensor:
        size = (strip.shape[2], strip.shape[3])
        columns = unfold(strip, SIDE)
        means = columns.mean(1, keepdim=True)
        denoised = estimate((columns - means).mT.flatten(0, 1).contiguous())
        patches = denoised.reshape(columns.mT.shape).mT + means
        ones = torch.ones_like(columns)
        return torch.stack([fold(patches, size, SIDE), fold(ones, size, SIDE)])

    return averaged(planes, summed)


def with_image(planes: Tensor, patches: Tensor, sigma: float) -> Tensor:
    """Return the mean of 64 patches, as `patchwise` gives it, and the noisy image.

    Reference: Elad, Aharon, "Image denoising via sparse and redundant representations over
    learned dictionaries", 2006, equation 8 and lambda = 30/sigma for values of 0 to 255.
    """
    weight = _IMAGE / sigma
    return (weight * planes + SIDE**2 * patches) / (weight + SIDE**2)


def some_patches(planes: Tensor, most: int) -> Tensor:
    """Return patches `[P, 64]` of mean 0 of all `[C, H, W]`: every one, or every second, third ...

    Args:
        planes: `[C, H, W]`.
        most: How many at most.
    """
    from torch.nn.functional import unfold

    from adversity_plugins.restoration.denoise._mirror import mirrored

    wide = mirrored(planes, SIDE - 1, SIDE - 1).unsqueeze(1)
    every = 1
    while (wide.shape[2] // every) * (wide.shape[3] // every) * len(planes) > most:
        every += 1
    patches = unfold(wide, SIDE, stride=every).mT.flatten(0, 1)
    return patches - patches.mean(1, keepdim=True)
