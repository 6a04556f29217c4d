"""Sliding DCT: small coefficients of every 8 x 8 patch are noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._gate import gate
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import (
    channels_apart,
    channels_together,
    cosines,
)
from adversity_plugins.restoration.denoise._sliding import SIDE, averaged

if TYPE_CHECKING:
    from torch import Tensor


class DCT(KnownNoise):
    """Denoise by thresholding the cosine transform of all patches of 8 x 8 pixels.

    Coefficients below threshold * sigma become 0, the mean of a patch excepted. A pixel is the
    mean over its 64 patches, each weighted by 1 / (number of coefficients that it kept): a patch
    that needs few is smooth, and better denoised. Colour is turned by an orthonormal DCT over
    the channels first. Beyond its border the image is mirrored.

    The threshold opens over a few tenths of sigma, for a gradient that knows what is about to be
    kept; the PSNR is that of a hard one.

    Reference: Yu, Sapiro, "DCT image denoising: a simple and effective image denoising
    algorithm", 2011; there all patches weigh the same. The weights are those of Dabov, Foi,
    Katkovnik, Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative
    filtering", 2007, equation 10.
    """

    name: ClassVar[str] = "dct"
    reference: ClassVar[str] = (
        "Yu, Sapiro, DCT image denoising: a simple and effective image denoising algorithm, 2011"
    )

    threshold: float = Field(
        default=2.7, gt=0, le=10, description="what is kept of a patch, in units of sigma"
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        planes = averaged(channels_apart(image), lambda strip: self._summed(strip, sigma))
        return channels_together(planes)

    def _summed(self, planes: Tensor, sigma: float) -> Tensor:
        """Return the weighted sum of the patches of `[C, 1, h, w]`, and that of their weights."""
        import torch
        from torch.nn.functional import conv2d, conv_transpose2d

        line = cosines(SIDE, planes)
        basis = torch.einsum("ai,bj->abij", line, line).reshape(-1, 1, SIDE, SIDE)
        values = conv2d(planes, basis)
        kept = gate(values, self.threshold, sigma)
        kept = torch.cat([torch.ones_like(kept[:, :1]), kept[:, 1:]], dim=1)
        weights = 1 / kept.sum(1, keepdim=True)
        patches = conv_transpose2d(values * kept * weights, basis)
        box = planes.new_ones(1, 1, SIDE, SIDE)
        return torch.stack([patches, conv_transpose2d(weights, box)])
