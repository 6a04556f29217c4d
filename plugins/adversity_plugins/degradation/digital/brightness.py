"""Too bright: the value of HSV raised, hue and saturation kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC
from adversity_plugins.degradation._in_cache import clipped, in_cache

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values

_BLACK = 1e-30
"""Below this a value has no hue: what it would be divided by is infinite in float32."""


class Brightness(ImageNetC):
    """Raise the value V of HSV by a constant, at most to 1; hue and saturation stay.

    Hue and saturation are ratios of the channels, so a pixel is multiplied by V' / V with V
    its largest channel and V' = min(V + shift, 1); black, which has no hue, becomes grey. A
    grey image is raised by the constant. Near black the factor jumps from hue to hue: no
    gradient is claimed.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "brightness"
    levels: ClassVar = {"shift": (0.1, 0.2, 0.3, 0.4, 0.5)}

    shift: float | None = Field(
        default=None, gt=0, le=1, description="what the value of HSV is raised by"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return Degraded(clipped(images, map(self._brighter, in_cache(images))))

    def _brighter(self, images: Tensor) -> Tensor:
        import torch

        value = images.amax(1, keepdim=True)
        raised = (value + self.level("shift")).clamp(max=1)
        # Into floats: a number times a mask is three times as slow.
        black = torch.lt(value.detach(), _BLACK, out=torch.empty_like(value))
        factor = raised / value.clamp(min=_BLACK) * (1 - black)
        return (images * factor).add_(raised * black)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from skimage.color import hsv2rgb, rgb2hsv

        values, shift = pixels / 255.0, self.level("shift")
        if pixels.shape[2] == 1:
            return np.clip(values + shift, 0, 1) * 255
        values = rgb2hsv(values)
        values[:, :, 2] = np.clip(values[:, :, 2] + shift, 0, 1)
        return np.clip(hsv2rgb(values), 0, 1) * 255
