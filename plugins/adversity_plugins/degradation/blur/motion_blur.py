"""Motion blur: the camera moved while the shutter was open."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, one_by_one
from adversity_plugins.degradation._motion import fading_line, moved_sum
from adversity_plugins.degradation._shifted import replicated, shifted_sum

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class MotionBlur(ImageNetC):
    """Smear along a straight line at a random angle, between -45 and 45 degrees for each image.

    The line has 2 radius + 1 pixels and fades as half a Gaussian does; beyond the border the
    border pixel goes on. The published code has ImageMagick do it, whose result is rounded to 8
    bits; the profile `reference` is bit for bit that of the package `imagecorruptions`, which
    rewrote it in NumPy and truncates.

    Side information: `kernel` `[N, 1, k, k]`, k = 4 radius + 1, sum 1, and `circular` `[N]`, 0: the
    image does not go round at its border (profile `fast`).

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "motion_blur"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "radius_px": (10, 15, 15, 15, 20),
        "sigma_px": (3.0, 5.0, 8.0, 12.0, 15.0),
    }

    radius_px: int | None = Field(
        default=None, ge=1, le=500, description="half the length of the line, in pixels"
    )
    sigma_px: float | None = Field(
        default=None, gt=0, le=1000, description="standard deviation of the fading, in pixels"
    )

    def _line(self, angle: float) -> list[tuple[int, int, float]]:
        return fading_line(int(self.level("radius_px")), self.level("sigma_px"), angle)

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import torch

        reach, (height, width) = 2 * int(self.level("radius_px")), images.shape[2:]
        lines = [self._line(90 * share - 45) for share in rng.uniform().tolist()]
        taps = [[(reach - down, reach - right, by) for down, right, by in line] for line in lines]
        pairs = zip(one_by_one(images), taps, strict=True)
        moved = (shifted_sum(replicated(one, reach, reach), to, height, width) for one, to in pairs)
        kernel = torch.stack([_kernel(one, 2 * reach + 1) for one in taps]).to(images)
        side = {"kernel": kernel, "circular": images.new_zeros(len(images))}
        return Degraded(clipped(images, moved), side)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        return np.clip(moved_sum(pixels, self._line(draws.uniform(-45, 45))), 0, 255)


def _kernel(taps: list[tuple[int, int, float]], side: int) -> Tensor:
    """Return the taps as `[1, side, side]` float32."""
    import numpy as np
    import torch

    kernel = np.zeros((1, side, side), np.float32)
    for top, left, weight in taps:
        kernel[0, top, left] += np.float32(weight)
    return torch.from_numpy(kernel)
