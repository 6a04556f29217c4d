"""Impulse noise: values that are stuck at black or white."""

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


class ImpulseNoise(ImageNetC):
    """Set a share of the values to 0 or 1, as likely: salt and pepper, each channel by itself.

    The published code calls scikit-image's `random_noise`, which leaves NumPy's legacy stream
    alone since version 0.19, so that its images cannot be made again: in the profile
    `reference` the draws are those that earlier versions made from that stream.

    Side information: `mask` `[N, 1, H, W]`, 1 where no channel of the pixel was hit (profile
    `fast`).

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "impulse_noise"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"amount": (0.03, 0.06, 0.09, 0.17, 0.27)}

    amount: float | None = Field(
        default=None, gt=0, le=1, description="share of values that are hit"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import torch

        amount, masks = self.level("amount"), []

        def hit(images: Tensor, rng: SampleRng) -> Tensor:
            drawn = rng.uniform(images.shape[1:]).to(images)
            # Into floats and by arithmetic: masks and choices are ten times as slow.
            kept = torch.ge(drawn, amount, out=torch.empty_like(drawn))
            masks.append(kept.amin(1, keepdim=True))
            salt = torch.lt(drawn, amount / 2, out=drawn)
            return (images * kept).add_(salt)

        parts = zip(in_cache(images), streams_in_cache(images, rng), strict=True)
        worse = clipped(images, (hit(*part) for part in parts))
        return Degraded(worse, {"mask": torch.cat(masks)})

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        hit = draws.random_sample(pixels.shape) < self.level("amount")
        salt = draws.random_sample(pixels.shape) < 0.5
        return np.where(hit, np.where(salt, 255.0, 0.0), pixels.astype(np.float64))
