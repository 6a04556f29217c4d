"""Wavelet thresholding, averaged over all shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._gate import gate
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import (
    channels_apart,
    channels_together,
    mirrored,
)
from adversity_plugins.restoration.denoise._wavelets import filters

if TYPE_CHECKING:
    from torch import Tensor


class Wavelet(KnownNoise):
    """Denoise by thresholding wavelet coefficients, averaged over all shifts of the image.

    Coefficients below threshold * sigma become 0, on each of the levels; what is coarser stays.
    Averaging over shifts (cycle spinning) is computed at once, by the transform without
    decimation; without it wavelets leave their own shape as artefacts and lose 1.5 dB and more.
    Colour is turned by an orthonormal DCT over the channels first. Beyond its border the image
    is mirrored.

    The threshold opens over a few tenths of sigma, for a gradient that knows what is about to be
    kept; the PSNR is that of a hard one.

    Reference: Coifman, Donoho, "Translation-invariant de-noising", 1995; Daubechies,
    "Orthonormal bases of compactly supported wavelets", 1988.
    """

    name: ClassVar[str] = "wavelet"
    reference: ClassVar[str] = "Coifman, Donoho, Translation-invariant de-noising, 1995"

    threshold: float = Field(
        default=3.0, gt=0, le=10, description="which coefficients are kept, in units of sigma"
    )
    moments: int = Field(
        default=2, ge=1, le=10, description="vanishing moments of the wavelet; 1 is Haar's"
    )
    levels: int = Field(default=4, ge=1, le=6, description="how many sizes of detail, each doubled")

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        height, width = image.shape[1:]
        reach = (2 * self.moments - 1) * (2**self.levels - 1)
        planes = mirrored(channels_apart(image), reach, reach).unsqueeze(1)
        whole = self._thresholded(planes, sigma)[:, 0]
        return channels_together(whole[:, reach : reach + height, reach : reach + width])

    def _thresholded(self, planes: Tensor, sigma: float) -> Tensor:
        """Return planes `[C, 1, h, w]` without small coefficients; near the edges they are wrong."""
        import torch
        from torch.nn.functional import conv2d, conv_transpose2d

        bank = filters(self.moments, planes)
        coarse, details = planes, []
        for level in range(self.levels):
            parts = conv2d(coarse, bank, dilation=2**level)
            coarse, fine = parts[:, :1], parts[:, 1:]
            details.append(fine * gate(fine, self.threshold, sigma))
        for level in reversed(range(self.levels)):
            parts = torch.cat([coarse, details[level]], dim=1)
            coarse = conv_transpose2d(parts, bank, dilation=2**level) / 4
        return coarse
