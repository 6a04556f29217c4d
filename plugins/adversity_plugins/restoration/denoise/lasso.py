"""Lasso: patches as sums of a few cosines, chosen by an l1 penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._dictionary import overcomplete_cosines
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import channels_apart, channels_together
from adversity_plugins.restoration.denoise._patchwise import patchwise, with_image

if TYPE_CHECKING:
    from torch import Tensor


_NO_NOISE = 1e-5


class Lasso(KnownNoise):
    """Denoise all 8 x 8 patches as sums of the cosines that a lasso finds (basis pursuit denoising).

    The penalty is weight * sigma on the coefficients of 256 cosines, an overcomplete dictionary;
    means of patches are taken out before and put back after. Each lasso is solved to its
    optimality conditions. The default weight is sqrt(2 log 256): white noise alone seldom has
    more with any of 256 cosines. So large a penalty shrinks what is kept, too, so that the
    cosines found are fitted to the patch again, by least squares; `refit: false` leaves the
    lasso as it is, for which a weight of 2 is better. A pixel is the mean over its 64 patches
    and, with the weight that `omp` has, the noisy image. Colour is turned by an orthonormal DCT
    over the channels first. It takes the longer the weaker the noise is, since more cosines are
    in; where sigma is below 1e-5, less than a step of 16-bit images, the image comes back as it
    is.

    Differentiable: where the cosines and their signs stay, a patch is projected onto them.

    Reference: Chen, Donoho, Saunders, "Atomic decomposition by basis pursuit", 1998, section 5,
    the weight among it; Tibshirani, "Regression shrinkage and selection via the lasso", 1996;
    for the second fit Belloni, Chernozhukov, "Least squares after model selection in
    high-dimensional sparse models", 2013. The dictionary and the mean are those of Elad, Aharon,
    "Image denoising via sparse and redundant representations over learned dictionaries", 2006.
    """

    name: ClassVar[str] = "lasso"
    reference: ClassVar[str] = (
        "Chen, Donoho, Saunders, Atomic decomposition by basis pursuit, 1998; Tibshirani, "
        "Regression shrinkage and selection via the lasso, 1996"
    )

    heavy: ClassVar[str] = "solves a lasso for every patch"

    weight: float = Field(
        default=3.33, gt=0, le=10, description="of the penalty, in units of sigma"
    )
    refit: bool = Field(
        default=True, description="whether the cosines found are fitted again without the penalty"
    )

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        from adversity_plugins.restoration.denoise._lasso import Lassos, Refitted

        if sigma < _NO_NOISE:
            return image.clone()
        planes = channels_apart(image).double()
        dictionary = overcomplete_cosines(planes)
        lassos = Refitted if self.refit else Lassos

        def estimate(patches: Tensor) -> Tensor:
            answer: Tensor = lassos.apply(patches, dictionary, self.weight * sigma)
            return answer

        denoised = with_image(planes, patchwise(planes, estimate), sigma)
        return channels_together(denoised.to(image))
