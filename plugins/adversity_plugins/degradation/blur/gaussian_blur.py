"""Gaussian blur: the image through a lens or an atmosphere that is slightly off."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation._shifted import gaussian_blurred, gaussian_line, replicated

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values

_WIDE_PX = 2.0
"""From this standard deviation on products of matrices are quicker than sums of windows."""
_STRIP = 16
"""So many rows or columns come of one product."""


class GaussianBlur(ImageNetC):
    """Blur with a Gaussian kernel, each channel by itself.

    The kernel is sampled at whole pixels, cut at 4 sigma and normalised; beyond the border
    the border pixel goes on. That is what `skimage.filters.gaussian` does in the reference
    code. The values blurred are the encoded ones (sRGB), again as there; light itself
    blurs in linear space.

    Side information: `kernel` `[N, 1, k, k]`, k = 2 round(4 sigma) + 1, sum 1; `circular` `[N]`, 0:
    the image does not go round at its border.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (extra corruptions; severities 1 to 5).
    """

    name: ClassVar[str] = "gaussian_blur"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    levels: ClassVar = {"sigma_px": (1.0, 2.0, 3.0, 4.0, 6.0)}

    sigma_px: float | None = Field(
        default=None, gt=0, le=100, description="standard deviation in pixels"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        sigma = self.level("sigma_px")
        # A single plane has been torch's convolution, whose last bit is another, since 0.1.
        alone = images.shape[0] * images.shape[1] == 1
        blur = _convolved if alone else gaussian_blurred if sigma < _WIDE_PX else _in_strips
        # The weights sum to 1 only up to rounding, so white could become 1.0000001.
        blurred = clipped(images, (blur(part, sigma) for part in in_cache(images)))
        return Degraded(blurred, self._told(images))

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from scipy.ndimage import gaussian_filter

        sigma = self.level("sigma_px")
        blurred = gaussian_filter(pixels / 255.0, (sigma, sigma, 0), mode="nearest", truncate=4.0)
        return np.clip(blurred, 0, 1) * 255

    def _told(self, images: Tensor) -> dict[str, Tensor]:
        line = gaussian_line(self.level("sigma_px"))
        kernel = line.outer(line).to(images).expand(len(images), 1, -1, -1)
        return {"kernel": kernel.contiguous(), "circular": images.new_zeros(len(images))}


def _in_strips(images: Tensor, sigma_px: float) -> Tensor:
    """Correlate columns, then rows, by a banded matrix, borders replicated."""
    from torch.nn import functional

    height, width = images.shape[2:]
    band = _band(sigma_px).to(images)
    radius = (band.shape[1] - _STRIP) // 2
    # Up to whole strips; what is too much is cut off again.
    border = (radius, radius - width % -_STRIP, radius, radius - height % -_STRIP)
    wide = functional.pad(images, border, mode="replicate")
    rows = wide.unfold(2, band.shape[1], _STRIP).transpose(3, 4)
    down = (band @ rows).flatten(2, 3)
    columns = down.unfold(3, band.shape[1], _STRIP).transpose(2, 3)
    across = (columns @ band.T).transpose(2, 3).flatten(3, 4)
    return across[:, :, :height, :width]


@lru_cache(maxsize=8)
def _band(sigma_px: float) -> Tensor:
    """Return `[s, s + k - 1]`, in each row the kernel, one column further than above."""
    import torch

    line = gaussian_line(sigma_px)
    band = line.new_zeros(_STRIP, _STRIP + len(line) - 1)
    for row in range(_STRIP):
        band[row, row : row + len(line)] = line
    return band.to(torch.float64)


def _convolved(images: Tensor, sigma_px: float) -> Tensor:
    """Correlate one plane's rows, then its columns, borders replicated."""
    from torch.nn import functional

    line = gaussian_line(sigma_px).to(images)
    radius = len(line) // 2
    rows = functional.conv2d(replicated(images, radius, radius), line.view(1, 1, 1, -1))
    return functional.conv2d(rows, line.view(1, 1, -1, 1))
