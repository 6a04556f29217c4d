"""Additive white Gaussian noise: the plainest model of a noisy sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded, clip

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class GaussianNoise(Degradation):
    """Add independent Gaussian noise to every channel of every pixel.

    The noisy values are clipped to [0, 1], as in the reference code and in any image file.
    Clipping makes the noise of dark and bright areas smaller and no longer zero-mean: at
    sigma = 25/255 it is worth about 0.7 dB of PSNR on photos, so figures of papers that
    leave the noise unclipped are not comparable. Unlike the reference code we do not
    quantise to 8 bits.

    Side information: `sigma` `[N]`, on the [0, 1] scale, before clipping.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "gaussian_noise"
    image_channels: ClassVar[None] = None
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common "
        "corruptions and perturbations, 2019"
    )
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)}

    sigma: float | None = Field(
        default=None, gt=0, le=1, description="standard deviation on the [0, 1] scale"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return noisy images and their sigma."""
        sigma = self.level("sigma")
        noise = rng.normal(images.shape[1:]).to(images)
        return Degraded(
            clip(images + sigma * noise),
            {"sigma": images.new_full((len(images),), sigma)},
        )
