"""Wrong saturation: colours washed out or screaming."""

from __future__ import annotations

from collections.abc import Mapping
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

_GREY = 1e-30
"""Channels closer than this have no hue: a ratio to it may be infinite in float32."""


class Saturate(ImageNetC):
    """Change the saturation S of HSV to factor * S + shift, cut to [0, 1].

    With V the largest channel of a pixel, every channel keeps its share of the way from V to
    the smallest one: x becomes V - (V - x) S' / S. Grey has hue 0 by convention, so where
    `shift` is above 0 it turns reddish, as in the published code. Severities 1 and 2 take
    colour away, 3 to 5 add it. Grey next to colour has no gradient: none is claimed.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (extra corruptions; severities 1 to 5).
    """

    name: ClassVar[str] = "saturate"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    levels: ClassVar = {"factor": (0.3, 0.1, 2.0, 5.0, 20.0), "shift": (0.0, 0.0, 0.0, 0.1, 0.2)}
    expected_failures: ClassVar[Mapping[str, str]] = {
        "severity_goes_further": "severities 1 and 2 take colour away, 3 to 5 add it, by "
        "ImageNet-C's constants"
    }

    factor: float | None = Field(
        default=None, ge=0, le=1000, description="what the saturation is multiplied by"
    )
    shift: float | None = Field(
        default=None, ge=0, le=1, description="what is added to the saturation"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return Degraded(clipped(images, map(self._coloured, in_cache(images))))

    def _coloured(self, images: Tensor) -> Tensor:
        import torch

        factor, shift = self.level("factor"), self.level("shift")
        value, least = images.amax(1, keepdim=True), images.amin(1, keepdim=True)
        spread = value - least
        # S = spread / V, so (V - x) S' / S is (V - x) / spread * V S'.
        reach = (factor * spread + shift * value).minimum(value)
        # Into floats: a number times a mask is three times as slow.
        grey = torch.lt(spread.detach(), _GREY, out=torch.empty_like(spread))
        ratio = reach / spread.clamp(min=_GREY) * (1 - grey)
        worse = value - (value - images).mul_(ratio)
        # Red, hue 0, keeps the value.
        worse[:, 1:] -= reach * grey
        return worse

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from skimage.color import hsv2rgb, rgb2hsv

        values = rgb2hsv(pixels / 255.0)
        raised = values[:, :, 1] * self.level("factor") + self.level("shift")
        values[:, :, 1] = np.clip(raised, 0, 1)
        return np.clip(hsv2rgb(values), 0, 1) * 255
