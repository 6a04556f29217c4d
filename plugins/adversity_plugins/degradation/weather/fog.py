"""Fog: a bright, cloudy veil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation.weather._plasma import plasma

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class Fog(ImageNetC):
    """Add a cloudy height map and scale back to the image's own maximum.

    With m the largest value of the image and p the map in [0, 1], x becomes
    (x + strength p) m / (m + strength): one bright pixel changes the whole image. The veil is
    the same in all channels and knows no distance; `haze` by distance is another thing.

    The map has the next power of two of the longer side; the image gets its upper left part.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "fog"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "strength": (1.5, 2.0, 2.5, 2.5, 3.0),
        "decay": (2.0, 2.0, 1.7, 1.5, 1.4),
    }

    expected_failures: ClassVar[Mapping[str, str]] = {
        "gradient_is_right": "all values hang on the largest one, and another pixel becomes it "
        "within the kit's steps in float32; in float64 they agree"
    }

    strength: float | None = Field(
        default=None, ge=0, le=100, description="what the map is multiplied by"
    )
    decay: float | None = Field(
        default=None,
        ge=1,
        le=100,
        description="how much calmer each finer level of the map is; small: patchy fog",
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        height, width = images.shape[2:]
        veil = self._veil(_map_side(height, width), rng)[:, None, :height, :width].to(images)
        parts = zip(in_cache(images), in_cache(veil), strict=True)
        return Degraded(clipped(images, (self._veiled(*part) for part in parts)))

    def _veiled(self, images: Tensor, veil: Tensor) -> Tensor:
        strength, most = self.level("strength"), images.amax((1, 2, 3), keepdim=True)
        return (images + strength * veil).mul_(most / (most + strength))

    def _veil(self, side: int, rng: SampleRng) -> Tensor:
        """Return `[N, S, S]` float32 maps."""
        import numpy as np
        import torch

        noise = (2 * rng.uniform((side * side - 1,)) - 1).numpy()
        used = 0

        def draw(wide: float, shape: tuple[int, ...]) -> Values:
            nonlocal used
            first, used = used, used + shape[-1] * shape[-2]
            return noise[:, first:used].reshape(shape) * np.float32(wide)

        height = np.zeros((len(rng), side, side), np.float32)
        return torch.from_numpy(plasma(height, self.level("decay"), draw))

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        strength, values = self.level("strength"), pixels / 255.0
        height, width = pixels.shape[:2]
        side = _map_side(height, width)
        most = values.max()
        veil = plasma(
            np.zeros((side, side)),
            self.level("decay"),
            lambda wide, size: draws.uniform(-wide, wide, size),
        )
        values = values + strength * veil[:height, :width, None]
        return np.clip(values * most / (most + strength), 0, 1) * 255


def _map_side(height: int, width: int) -> int:
    """Return the next power of two, at least 2."""
    return 1 << max(1, (max(height, width) - 1).bit_length())
