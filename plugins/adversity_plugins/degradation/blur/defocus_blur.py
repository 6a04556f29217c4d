"""Defocus: each point becomes the disk of the aperture."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._correlated import correlated_parts
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation.blur._disk import disk_kernel

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class DefocusBlur(ImageNetC):
    """Blur with a disk whose edge is a little soft, each channel by itself.

    Beyond the border the image goes on mirrored, the border pixel not repeated (as OpenCV's
    `filter2D` does); images smaller than the kernel are mirrored again and again.

    Where the disk touches the border of its kernel, at severities 4 and 5, the published
    kernel's own blur mirrors it there, and it sums to more than 1: images become 1 % brighter.

    Side information: `kernel` `[N, 1, k, k]`, k = 17 up to a radius of 8, else twice the radius
    and one, with the sum 1; `gain` `[N]`, the sum that it was divided by;
    `circular` `[N]`, 0: the image does not go round at its border.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "defocus_blur"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    levels: ClassVar = {
        "radius_px": (3, 4, 6, 8, 10),
        "edge_sigma_px": (0.1, 0.5, 0.5, 0.5, 0.5),
    }

    radius_px: int | None = Field(default=None, ge=1, le=100, description="of the disk, in pixels")
    edge_sigma_px: float | None = Field(
        default=None, gt=0, le=10, description="Gaussian that softens the disk's edge, in pixels"
    )

    def _kernel(self) -> Values:
        return disk_kernel(int(self.level("radius_px")), self.level("edge_sigma_px"))

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import torch

        kernel = torch.from_numpy(self._kernel()).to(images)
        blurred = correlated_parts(in_cache(images), kernel, "reflect")
        return Degraded(clipped(images, blurred), self._told(images))

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from scipy.signal import fftconvolve

        kernel = self._kernel().astype(np.float64)
        reach = len(kernel) // 2
        wide = np.pad(pixels / 255.0, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
        blurred = fftconvolve(wide, kernel[:, :, None], mode="valid", axes=(0, 1))
        return np.clip(blurred, 0, 1) * 255

    def _told(self, images: Tensor) -> dict[str, Tensor]:
        import torch

        kernel = torch.from_numpy(self._kernel()).double()
        gain = kernel.sum()
        side = (kernel / gain).to(images).expand(len(images), 1, -1, -1)
        return {
            "kernel": side.contiguous(),
            "circular": images.new_zeros(len(images)),
            "gain": images.new_full((len(images),), float(gain)),
        }
