"""Low contrast: every value closer to the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class Contrast(ImageNetC):
    """Draw every value towards the mean of its channel in the image.

    v becomes m + factor (v - m), m the mean of the channel over the image.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "contrast"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    levels: ClassVar = {"factor": (0.4, 0.3, 0.2, 0.1, 0.05)}

    factor: float | None = Field(
        default=None, ge=0, le=1, description="what is left of the distance from the mean"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return Degraded(clipped(images, map(self._flatter, in_cache(images))))

    def _flatter(self, images: Tensor) -> Tensor:
        mean = images.mean((2, 3), keepdim=True)
        return (images - mean).mul_(self.level("factor")).add_(mean)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        values = pixels / 255.0
        mean = values.mean(axis=(0, 1), keepdims=True)
        return np.clip((values - mean) * self.level("factor") + mean, 0, 1) * 255
