"""Speckle noise: noise that grows with the signal, as in radar and ultrasound."""

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


class SpeckleNoise(ImageNetC):
    """Multiply every value by one plus Gaussian noise.

    The result is clipped to [0, 1]. Black stays black.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (extra corruptions; severities 1 to 5).
    """

    name: ClassVar[str] = "speckle_noise"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"sigma": (0.15, 0.2, 0.35, 0.45, 0.6)}

    sigma: float | None = Field(
        default=None, gt=0, le=10, description="standard deviation, relative to the value"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        parts = zip(in_cache(images), streams_in_cache(images, rng), strict=True)
        return Degraded(clipped(images, (self._noisy(*part) for part in parts)))

    def _noisy(self, images: Tensor, rng: SampleRng) -> Tensor:
        factor = rng.normal(images.shape[1:]).mul_(self.level("sigma")).add_(1).to(images)
        return factor.mul_(images)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        values = pixels / 255.0
        noise = draws.normal(size=values.shape, scale=self.level("sigma"))
        return np.clip(values + values * noise, 0, 1) * 255
