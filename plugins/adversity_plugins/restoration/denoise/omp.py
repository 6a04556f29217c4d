"""OMP: patches as sums of as few cosines as the noise allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._dictionary import overcomplete_cosines, pursued
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import channels_apart, channels_together
from adversity_plugins.restoration.denoise._patchwise import patchwise, with_image
from adversity_plugins.restoration.denoise._sliding import SIDE

if TYPE_CHECKING:
    from torch import Tensor


class OMP(KnownNoise):
    """Denoise all 8 x 8 patches as sums of as few cosines as the noise allows.

    Of 256 cosines, an overcomplete dictionary, orthogonal matching pursuit takes one after the
    other until at most (gain * sigma)^2 a pixel is left. Means of patches are taken out before
    and put back after. A pixel is the mean over its 64 patches and the noisy image, which counts
    as 30 / (255 sigma) patches. Colour is turned by an orthonormal DCT over the channels first.
    Beyond its border the image is mirrored.

    Not differentiable here, since which cosines are taken jumps; the backward pass sees the
    identity.

    Reference: Elad, Aharon, "Image denoising via sparse and redundant representations over
    learned dictionaries", 2006, with the dictionary that is not learned.
    """

    name: ClassVar[str] = "omp"
    reference: ClassVar[str] = (
        "Elad, Aharon, Image denoising via sparse and redundant representations over learned "
        "dictionaries, 2006"
    )
    differentiable: ClassVar[bool] = False

    gain: float = Field(
        default=1.15, gt=0, le=10, description="how far a patch may be off, in units of sigma"
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        with torch.no_grad():
            planes = channels_apart(image.detach())
            dictionary = self._dictionary(planes, sigma)

            def estimate(patches: Tensor) -> Tensor:
                return patches - pursued(patches, dictionary, self._limit(sigma))[1]

            denoised = with_image(planes, patchwise(planes, estimate), sigma)
            return channels_together(denoised)

    def _limit(self, sigma: float) -> float:
        """Return the largest squared error of a patch."""
        return (self.gain * sigma) ** 2 * SIDE**2

    def _dictionary(self, planes: Tensor, sigma: float) -> Tensor:
        """Return atoms `[K, 64]` for planes `[C, H, W]`."""
        return overcomplete_cosines(planes)
