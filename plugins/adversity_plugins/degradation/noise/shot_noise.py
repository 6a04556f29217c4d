"""Shot noise: light is counted in photons, and few of them make a rough image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC
from adversity_plugins.degradation._in_cache import clipped, in_cache, streams_in_cache

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values

_MANY = 100.0
"""Above this the tables of exact Poisson numbers grow, and NumPy's generator is used."""


class ShotNoise(ImageNetC):
    """Count photons: Poisson noise whose variance grows with brightness.

    Every value v becomes Poisson(photons * v) / photons, cut at 1. The values are the encoded
    ones (sRGB), as in the published code; `low_light` counts photons in linear light. Black
    stays black.

    Side information: `photons` `[N]`.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "shot_noise"
    image_channels: ClassVar[None] = None
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"photons": (60.0, 25.0, 12.0, 5.0, 3.0)}

    photons: float | None = Field(
        default=None, gt=0, le=1e9, description="photons that a white value stands for"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        parts = zip(in_cache(images), streams_in_cache(images, rng), strict=True)
        noisy = clipped(images, (self._counted(*part) for part in parts))
        return Degraded(noisy, self._told(images))

    def _counted(self, images: Tensor, rng: SampleRng) -> Tensor:
        from adversity_plugins.degradation.noise._poisson import poisson

        photons = self.level("photons")
        counts = rng.poisson(images * photons) if photons > _MANY else poisson(images, photons, rng)
        return counts.to(images).div_(photons)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        photons = self.level("photons")
        counts = draws.poisson(pixels / 255.0 * photons)
        return np.clip(counts / photons, 0, 1) * 255

    def _told(self, images: Tensor) -> dict[str, Tensor]:
        return {"photons": images.new_full((len(images),), self.level("photons"))}
