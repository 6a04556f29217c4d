"""Gaussian blur: the image through a lens or an atmosphere that is slightly off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded, clip

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_TRUNCATE = 4.0
"""The kernel ends at this many sigmas, as in scipy and scikit-image."""


class GaussianBlur(Degradation):
    """Blur with a Gaussian kernel, each channel by itself.

    The kernel is sampled at whole pixels, cut at 4 sigma and normalised; beyond the border
    the border pixel goes on. That is what `skimage.filters.gaussian` does in the reference
    code. The values blurred are the encoded ones (sRGB), again as there; light itself
    blurs in linear space.

    Side information: `kernel` `[N, 1, k, k]`, k = 2 round(4 sigma) + 1, sum 1.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (extra corruptions; severities 1 to 5).
    """

    name: ClassVar[str] = "gaussian_blur"
    image_channels: ClassVar[None] = None
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common "
        "corruptions and perturbations, 2019"
    )
    differentiable: ClassVar[bool] = True
    levels: ClassVar = {"sigma_px": (1.0, 2.0, 3.0, 4.0, 6.0)}

    sigma_px: float | None = Field(
        default=None, gt=0, le=100, description="standard deviation in pixels"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return blurred images and the kernel."""
        line = gaussian_line(self.level("sigma_px"))
        side = line.outer(line).to(images).expand(len(images), 1, -1, -1)
        return Degraded(_separable(images, line.to(images)), {"kernel": side.contiguous()})


def gaussian_line(sigma_px: float) -> Tensor:
    """Return the normalised one-dimensional kernel `[k]` float64, cut at 4 sigma."""
    import torch

    radius = int(_TRUNCATE * sigma_px + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    return weights / weights.sum()


def _separable(images: Tensor, line: Tensor) -> Tensor:
    """Correlate rows, then columns, each channel by itself, borders replicated."""
    from torch.nn import functional

    radius = len(line) // 2
    planes = images.flatten(0, 1).unsqueeze(1)
    planes = functional.pad(planes, (radius, radius, radius, radius), mode="replicate")
    planes = functional.conv2d(planes, line.view(1, 1, 1, -1))
    planes = functional.conv2d(planes, line.view(1, 1, -1, 1))
    # The weights sum to 1 only up to rounding, so white could become 1.0000001.
    return clip(planes.view(images.shape))
