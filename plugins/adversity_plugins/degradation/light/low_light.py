"""Darkness as a sensor sees it: fewer photons, counted one by one, in linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class LowLight(Degradation):
    """Take the image again with less light on a sensor with shot and read noise.

    With L the linear light of a pixel (sRGB decoded), W photons at white in the original
    exposure and r the read noise in electrons:

        electrons = Poisson(gain * L * W) + r * Normal(0, 1)
        out       = encode(clip(electrons / W, 0, 1))

    So light falls to `gain` of what it was, and the noise grows relative to it as
    1 / sqrt(gain). The image stays dark: nothing brightens it afterwards. Values below
    black are cut off, as cameras do, which lifts the mean of nearly black pixels a little.
    Left out: Bayer mosaic, white balance, fixed-pattern noise, quantisation.

    The severities are ours (ImageNet-C has no darkness): each gain is a third to a half of
    the one before, from nearly harmless to mostly wrong. Measured with EfficientNet-Lite0
    on 20 ImageNet photos: top-1 0.90 in full light, then 0.90, 0.85, 0.70, 0.45, 0.15. The
    default sensor resembles a small pixel of a phone.

    Side information: `gain` `[N]`.

    Reference: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise
    modeling and fitting for single-image raw-data", 2008 (the noise model, clipping).
    """

    name: ClassVar[str] = "low_light"
    reference: ClassVar[str] = (
        "Foi, Trimeche, Katkovnik, Egiazarian, Practical Poissonian-Gaussian noise modeling "
        "and fitting for single-image raw-data, 2008"
    )
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"gain": (0.1, 0.03, 0.015, 0.008, 0.004)}

    gain: float | None = Field(
        default=None, gt=0, le=1, description="share of the original light that is left"
    )
    white_photons: float = Field(
        default=5000.0, gt=0, le=1e9, description="photons at white in the original exposure"
    )
    read_noise: float = Field(
        default=2.0, ge=0, le=1e6, description="standard deviation of the read-out, in electrons"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return dark, noisy images and their gain."""
        gain = self.level("gain")
        expected = srgb_to_linear(images) * (gain * self.white_photons)
        electrons = rng.poisson(expected) + self.read_noise * rng.normal(images.shape[1:])
        light = (electrons.to(images) / self.white_photons).clamp(0, 1)
        return Degraded(
            linear_to_srgb(light).clamp(0, 1), {"gain": images.new_full((len(images),), gain)}
        )
