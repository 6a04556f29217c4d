"""Gaussian blur: the image through a lens or an atmosphere that is slightly off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded, clip
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._shifted import gaussian_blurred, gaussian_line, replicated

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


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
        blurred = _convolved(images, sigma) if alone else gaussian_blurred(images, sigma)
        # The weights sum to 1 only up to rounding, so white could become 1.0000001.
        return Degraded(clip(blurred), self._told(images))

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


def _convolved(images: Tensor, sigma_px: float) -> Tensor:
    """Correlate one plane's rows, then its columns, borders replicated."""
    from torch.nn import functional

    line = gaussian_line(sigma_px).to(images)
    radius = len(line) // 2
    rows = functional.conv2d(replicated(images, radius, radius), line.view(1, 1, 1, -1))
    return functional.conv2d(rows, line.view(1, 1, -1, 1))
