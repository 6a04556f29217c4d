"""Transform learning: the transform under which this image's patches are sparse."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import (
    channels_apart,
    channels_together,
    cosines,
    mirrored,
)
from adversity_plugins.restoration.denoise._sliding import SIDE, averaged
from adversity_plugins.restoration.denoise._transform import learnt, sparse

if TYPE_CHECKING:
    from torch import Tensor

_PATCHES = 32_768
"""What it learns from at most; of larger images every second, third ... patch."""


class TransformLearning(KnownNoise):
    """Denoise by thresholding all 8 x 8 patches under a transform learnt from them.

    The transform is square, begins as the DCT and is learnt from the noisy image alone. Means of
    patches are taken out before and put back after. Coefficients below threshold * sigma become
    0, patches are transformed back by the inverse, and a pixel is the mean over its 64 patches,
    weighted as in `dct`. Colour is turned by an orthonormal DCT over the channels first, with
    one transform for all.

    Where we differ: the published method solves for the image in turns with the transform, with
    a sparsity of its own for each patch; here it is learnt first, at one threshold.

    Not differentiable here, since the transform hangs on the image, too; the backward pass sees
    the identity.

    Reference: Ravishankar, Bresler, "Learning sparsifying transforms", 2013; the same,
    "Sparsifying transform learning with efficient optimal updates and convergence guarantees",
    2015.
    """

    name: ClassVar[str] = "transform_learning"
    reference: ClassVar[str] = "Ravishankar, Bresler, Learning sparsifying transforms, 2013"
    differentiable: ClassVar[bool] = False

    threshold: float = Field(
        default=2.7, gt=0, le=10, description="what is kept of a patch, in units of sigma"
    )
    rounds: int = Field(default=12, ge=1, le=200, description="turns of learning")
    conditioning: float = Field(
        default=0.1,
        gt=0,
        le=10,
        description="what keeps the transform near orthonormal, as a share of the patches' power",
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        with torch.no_grad():
            planes = channels_apart(image.detach())
            transform = self._learnt(planes, sigma)
            return channels_together(
                averaged(planes, lambda strip: self._summed(strip, transform, sigma))
            )

    def _learnt(self, planes: Tensor, sigma: float) -> Tensor:
        """Return the transform of the patches of `[C, H, W]`, `[64, 64]` float64."""
        import torch
        from torch.nn.functional import unfold

        wide = mirrored(planes.double(), SIDE - 1, SIDE - 1).unsqueeze(1)
        every = 1
        while (wide.shape[2] // every) * (wide.shape[3] // every) * len(planes) > _PATCHES:
            every += 1
        patches = unfold(wide, SIDE, stride=every).transpose(0, 1).flatten(1)
        patches = patches - patches.mean(0)
        line = cosines(SIDE, patches)
        power = float((patches**2).sum()) + patches.numel() * sigma**2
        return learnt(
            patches,
            torch.kron(line, line),
            limit=self.threshold * sigma,
            weight=self.conditioning * power,
            rounds=self.rounds,
        )

    def _summed(self, planes: Tensor, transform: Tensor, sigma: float) -> Tensor:
        """Return the weighted sum of the patches of `[C, 1, h, w]`, and that of their weights."""
        import torch
        from torch.nn.functional import conv2d, conv_transpose2d

        square = (-1, 1, SIDE, SIDE)
        analysis = transform - transform.mean(1, keepdim=True)
        codes = sparse(conv2d(planes, analysis.to(planes).reshape(square)), self.threshold * sigma)
        box = planes.new_ones(1, 1, SIDE, SIDE)
        means = conv2d(planes, box / SIDE**2)
        weights = 1 / (1 + (codes != 0).sum(1, keepdim=True)).to(planes)
        synthesis = torch.linalg.inv(transform).T.to(planes).reshape(square)
        patches = conv_transpose2d(codes * weights, synthesis)
        patches = patches + conv_transpose2d(means * weights, box)
        return torch.stack([patches, conv_transpose2d(weights, box)])
