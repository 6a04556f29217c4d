"""Analysis K-SVD: patches to which many rows of a learnt dictionary are orthogonal."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity_plugins.restoration.denoise._analysis import (
    learnt,
    neighbour_differences,
    patchwise_at,
    pursued,
)
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import channels_apart, channels_together
from adversity_plugins.restoration.denoise._patchwise import some_patches, with_image
from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    from torch import Tensor

_PATCHES = 20_000
"""What it learns from at most; of larger images every second, third ... patch each way."""


class AnalysisKSVD(KnownNoise):
    """Denoise 8 x 8 patches so that many rows of a learnt dictionary are orthogonal to them.

    The analysis dictionary begins as the 112 differences of neighbours and is learnt from the noisy
    image: in turns patches are projected onto what is orthogonal to as many rows as the noise
    allows, and each row becomes the direction in which those patches have least power that chose
    it. Then every patch is projected, as long as it moves by no more than (gain * sigma)^2 a pixel.
    Means of patches are taken out before and put back after; the mean over patches and noisy image
    is that of `omp`. Colour is turned by an orthonormal DCT over the channels first. Beyond its
    border the image is mirrored.

    Where we differ: patches are 8 x 8, without their means, and every second one each way is
    denoised unless `step` says otherwise; rows begin as differences; a row that becomes like
    another stays. One turn is the default, for where noise is strong, further turns learn it.

    Not differentiable here, since which rows are chosen jumps; the backward pass sees the identity.

    Reference: Rubinstein, Peleg, Elad, "Analysis K-SVD: a dictionary-learning algorithm for the
    analysis sparse model", 2013.
    """

    name: ClassVar[str] = "analysis_k_svd"
    reference: ClassVar[str] = (
        "Rubinstein, Peleg, Elad, Analysis K-SVD: a dictionary-learning algorithm for the analysis "
        "sparse model, 2013"
    )
    differentiable: ClassVar[bool] = False
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"step": 4},)
    heavy: ClassVar[str] = "learns a dictionary from each image"

    gain: float = Field(
        default=1.2, gt=0, le=10, description="how far a patch may be off, in units of sigma"
    )
    rounds: int = Field(default=1, ge=0, le=200, description="turns of learning")
    step: Literal[1, 2, 4, 8] = Field(
        default=2, description="pixels from a patch to the next; 1 takes four times as long as 2"
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        with torch.no_grad():
            planes = channels_apart(image.detach())
            limit = (self.gain * sigma) ** 2 * SIDE**2
            rows = learnt(
                some_patches(planes, _PATCHES),
                neighbour_differences(planes),
                limit=limit,
                rounds=self.rounds,
            )

            def estimate(patches: Tensor) -> Tensor:
                return pursued(patches, rows, limit=limit)[0]

            return channels_together(
                with_image(planes, patchwise_at(planes, estimate, self.step), sigma)
            )
