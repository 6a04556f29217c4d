"""The bilateral filter: average what is near in place and in colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._windows import neighbours

if TYPE_CHECKING:
    from torch import Tensor


class Bilateral(KnownNoise):
    """Average neighbours, the less the further they are in place or in colour.

    A neighbour at a distance of d pixels and of c in colour (Euclidean, over all channels)
    weighs exp(-d^2 / (2 sigma_px^2) - c^2 / (2 (h sigma)^2)). The window reaches 3 sigma_px;
    beyond its border the image is mirrored. Where noise makes a pixel an outlier nothing is
    near to it, and it stays: strong noise leaves specks.

    Reference: Tomasi, Manduchi, "Bilateral filtering for gray and color images", 1998.
    """

    name: ClassVar[str] = "bilateral"
    reference: ClassVar[str] = (
        "Tomasi, Manduchi, Bilateral filtering for gray and color images, 1998"
    )

    h: float = Field(default=3.0, gt=0, le=100, description="width in colour, in units of sigma")
    sigma_px: float = Field(default=1.5, gt=0, le=10, description="width in place, in pixels")

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        reach = math.ceil(3 * self.sigma_px)
        inside = -0.5 / (self.h * sigma) ** 2
        total, weights = image * 0, image[:1] * 0
        for down, right, near in neighbours(image, 2 * reach + 1):
            place = -0.5 * (down**2 + right**2) / self.sigma_px**2
            weight = (place + inside * ((near - image) ** 2).sum(0, keepdim=True)).exp()
            total = total + weight * near
            weights = weights + weight
        return total / weights
