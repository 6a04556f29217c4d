"""Uniform noise: what rounding to few levels does, and an attacker's budget drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded, clip

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_PEAK = 3**0.5
"""How far a uniform variable of mean 0 and variance 1 goes."""


class UniformNoise(Degradation):
    """Add independent noise, uniform between -amplitude and amplitude, to every value.

    Its standard deviation is amplitude / sqrt(3). Rounding to levels a distance d apart makes an
    error that is nearly uniform with amplitude d / 2, as long as the image is busy. No value moves
    farther than the amplitude, as in an attack with that eps in the L-infinity norm.

    The severities are ours: as strong as those of `gaussian_noise`, 0.08, 0.12, 0.18, 0.26 and 0.38
    times sqrt(3). Noisy values are clipped to [0, 1].

    Side information: `sigma` `[N]`, the standard deviation before clipping.

    Reference: Bennett, "Spectra of quantized signals", Bell System Technical Journal, 1948.
    """

    name: ClassVar[str] = "uniform_noise"
    reference: ClassVar[str] = "Bennett, Spectra of quantized signals, 1948"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "amplitude": (0.08 * _PEAK, 0.12 * _PEAK, 0.18 * _PEAK, 0.26 * _PEAK, 0.38 * _PEAK)
    }

    amplitude: float | None = Field(
        default=None, gt=0, le=1, description="how far a value moves at most, on the [0, 1] scale"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return noisy images and the `sigma` of their noise."""
        amplitude = self.level("amplitude")
        noise = (2 * rng.uniform(images.shape[1:]) - 1).to(images)
        sigma = images.new_full((len(images),), amplitude / _PEAK)
        return Degraded(clip(images + amplitude * noise), {"sigma": sigma})
