"""The adaptive Wiener filter: as much of each pixel as is no noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import mirrored
from adversity_plugins.restoration.denoise._windows import require_odd

if TYPE_CHECKING:
    from torch import Tensor


class WienerFilter(KnownNoise):
    """Denoise by the linear filter of least squared error, from local mean and variance.

        x = m + max(v - sigma^2, 0) / max(v, sigma^2) * (y - m)

    with the mean m and the variance v of the window around each pixel, in each channel. Flat
    areas become their mean, while along edges, where v is large, the noise stays. It is the
    filter of `scipy.signal.wiener` and of MATLAB's `wiener2`, beyond the border mirrored. It
    knows no blur: that is deconvolution.

    Reference: Lee, "Digital image enhancement and noise filtering by use of local
    statistics", 1980, section II; Lim, "Two-dimensional signal and image processing", 1990,
    equation 9.27.
    """

    name: ClassVar[str] = "wiener_filter"
    reference: ClassVar[str] = (
        "Lee, Digital image enhancement and noise filtering by use of local statistics, 1980"
    )

    window_size: int = Field(default=5, ge=3, le=63, description="side of the window, odd")

    @field_validator("window_size")
    @classmethod
    def _window_has_a_centre(cls, value: int) -> int:
        return require_odd("window_size", value)

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        from torch.nn.functional import avg_pool2d

        size = self.window_size
        # In float64: a variance is a small difference of large numbers.
        wide = mirrored(image.double(), size // 2, size // 2)
        mean = avg_pool2d(wide, size, stride=1)
        variance = avg_pool2d(wide**2, size, stride=1) - mean**2
        noise = sigma**2
        share = (variance - noise).clamp(min=0) / variance.clamp(min=noise)
        return (mean + share * (image.double() - mean)).to(image)
