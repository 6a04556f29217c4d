"""Additive white Gaussian noise: the plainest model of a noisy sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache, streams_in_cache

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class GaussianNoise(ImageNetC):
    """Add independent Gaussian noise to every channel of every pixel.

    The noisy values are clipped to [0, 1], as in the reference code and in any image file.
    Clipping makes the noise of dark and bright areas smaller and no longer zero-mean: at
    sigma = 25/255 it is worth about 0.7 dB of PSNR on photos, so figures of papers that
    leave the noise unclipped are not comparable. Unlike the reference code, the profile
    `fast` does not quantise to 8 bits.

    Side information: `sigma` `[N]`, on the [0, 1] scale, before clipping.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "gaussian_noise"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)}

    sigma: float | None = Field(
        default=None, gt=0, le=1, description="standard deviation on the [0, 1] scale"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        parts = zip(in_cache(images), streams_in_cache(images, rng), strict=True)
        noisy = clipped(images, (self._noisy(*part) for part in parts))
        return Degraded(noisy, self._told(images))

    def _noisy(self, images: Tensor, rng: SampleRng) -> Tensor:
        noise = rng.normal(images.shape[1:]).to(images)
        return noise.mul_(self.level("sigma")).add_(images)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        noise = draws.normal(size=pixels.shape, scale=self.level("sigma"))
        return np.clip(pixels / 255.0 + noise, 0, 1) * 255

    def _told(self, images: Tensor) -> dict[str, Tensor]:
        return {"sigma": images.new_full((len(images),), self.level("sigma"))}
