"""Zoom blur: the camera moved towards the scene while the shutter was open."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation._zoomed import zoomed_pixels, zoomed_rows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class ZoomBlur(ImageNetC):
    """Average the image with enlargements of its middle by 1, 1 + step, 1 + 2 step, ...

    Each enlargement takes the middle pixels, the side by the factor rounded up, bilinearly to
    full size; the image itself counts twice, once as the enlargement by 1.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "zoom_blur"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    levels: ClassVar = {
        "step": (0.01, 0.01, 0.02, 0.02, 0.03),
        "zooms": (12, 16, 11, 13, 11),
    }

    step: float | None = Field(
        default=None, gt=0, le=1, description="from one enlargement to the next"
    )
    zooms: int | None = Field(
        default=None, ge=2, le=1000, description="how many enlargements, the one by 1 included"
    )

    def _factors(self) -> list[float]:
        # The increment is what is left of the step after 1 was added, as in `np.arange`: the
        # last bit decides how many pixels are enlarged where a side divides evenly.
        increment = (1 + self.level("step")) - 1
        return [1 + k * increment for k in range(int(self.level("zooms")))]

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return Degraded(clipped(images, map(self._averaged, in_cache(images))))

    def _averaged(self, images: Tensor) -> Tensor:
        total, turned = images * 2, images.transpose(2, 3).contiguous()
        factors = self._factors()
        for factor in factors[1:]:
            # Rows are read whole, columns are not: both are enlarged as rows.
            wide = zoomed_rows(turned, factor).transpose(2, 3).contiguous()
            total.add_(zoomed_rows(wide, factor))
        return total.div_(len(factors) + 1)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        values = (pixels / 255.0).astype(np.float32)
        total = np.zeros_like(values)
        factors = self._factors()
        for factor in factors:
            total += zoomed_pixels(values, factor)
        return np.clip((values + total) / (len(factors) + 1), 0, 1) * 255
