"""Moving averages over images: the windows of SSIM, and the thinning of Wang's ssim.m."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adversity.errors import DataError
from adversity.metrics.image_pairs import one_of
from adversity.metrics.predictions import whole_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WIDEST", "Covariance", "Padding", "Window", "WindowForm", "reduced", "window_size_of"]

WindowForm = Literal["gaussian", "uniform"]
Padding = Literal["valid", "reflect", "zeros"]
Covariance = Literal["population", "sample"]

WIDEST = 101
"""The widest window in pixels: after downsampling, which begins at 384 pixels, 192 are left."""
_SIDE = 256
"""Pixels of the shorter side that Wang's downsampling brings an image near to."""


@dataclass(frozen=True, slots=True)
class Window:
    """How local means and variances are taken.

    Attributes:
        form: Gaussian or uniform weights.
        size: Its width in pixels, odd.
        sigma: Of the Gaussian, in pixels.
        padding: Where windows stand, and what lies outside of the image.
        covariance: Whether variances are divided by n, or by n - 1.

    Raises:
        DataError: If one of them is none of these.
    """

    form: WindowForm
    size: int
    sigma: float
    padding: Padding
    covariance: Covariance

    def __post_init__(self) -> None:
        """Refuse what makes no window."""
        one_of(self.form, WindowForm, "window")
        one_of(self.padding, Padding, "padding")
        one_of(self.covariance, Covariance, "covariance")
        window_size_of(self.size)
        number = isinstance(self.sigma, (int, float)) and not isinstance(self.sigma, bool)
        if not number or not 0 < self.sigma < math.inf:
            raise DataError(f"expected a sigma above 0 and finite, got {self.sigma!r}")

    def padded(self, images: Tensor) -> Tensor:
        """Return the images with what lies outside of them."""
        from torch.nn import functional

        if self.padding == "valid":
            return images
        mode = "reflect" if self.padding == "reflect" else "constant"
        return functional.pad(images, (self.size // 2,) * 4, mode=mode)

    def mean(self, maps: Tensor) -> Tensor:
        """Average over the window, row-wise then column-wise, valid positions only.

        Shifted sums instead of a convolution: their bits do not depend on the batch size.
        """
        import torch

        taps = self._taps()
        for axis in (2, 3):
            length = maps.shape[axis] - self.size + 1
            total = taps[0] * maps.narrow(axis, 0, length)
            term = torch.empty_like(total)
            for i, tap in enumerate(taps[1:], start=1):
                # Product and sum are rounded apart: a fused one may round otherwise at row ends.
                total += torch.mul(maps.narrow(axis, i, length), tap, out=term)
            maps = total
        return maps

    def spread(self, maps: Tensor) -> Tensor:
        """Return variances or covariances with the divisor that is asked for."""
        if self.covariance == "population":
            return maps
        pixels = self.size**2
        return maps * (pixels / (pixels - 1))

    def _taps(self) -> list[float]:
        import torch

        offsets = torch.arange(self.size, dtype=torch.float64) - self.size // 2
        weights = torch.ones_like(offsets)
        if self.form == "gaussian":
            weights = torch.exp(-0.5 * (offsets / self.sigma) ** 2)
        taps: list[float] = (weights / weights.sum()).tolist()
        return taps


def window_size_of(size: object) -> int:
    """Return the width of a window in pixels.

    Raises:
        DataError: It is no odd number of 3 to 101.
    """
    width = whole_number(size, "window_size", low=3, high=WIDEST)
    if width % 2 == 0:
        raise DataError(
            f"expected an odd window_size, got {width}: a window has a middle; take "
            f"{width - 1} or {width + 1}"
        )
    return width


def reduced(images: Tensor) -> Tensor:
    """Average and thin images so that the shorter side is near 256 pixels, as ssim.m does.

    `f = max(1, round(min(H, W) / 256))`, halves up; MATLAB's `imfilter` with f x f equal weights,
    the image mirrored with its border pixels repeated, then every f-th pixel from the first. The
    middle of an even window is the earlier of its two. So for f = 2 these are blocks, as piq's are
    for every f; for f = 3 and above windows begin before the image.

    Args:
        images: `[N, C, H, W]` float64.

    Returns:
        `[N, C, ceil(H / f), ceil(W / f)]`.
    """
    import torch

    factor = max(1, math.floor(min(images.shape[2:]) / _SIDE + 0.5))
    if factor == 1:
        return images
    for axis in (2, 3):
        count = images.shape[axis]
        starts = torch.arange(0, count, factor, device=images.device) - (factor - 1) // 2
        total = torch.zeros((), dtype=images.dtype, device=images.device)
        for offset in range(factor):
            at = starts + offset
            at = torch.where(at < 0, -1 - at, at)
            at = torch.where(at >= count, 2 * count - 1 - at, at)
            total = total + images.index_select(axis, at)
        images = total / factor
    return images
