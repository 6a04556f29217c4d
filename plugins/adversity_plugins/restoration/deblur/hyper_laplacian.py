"""Deconvolution under the statistics of photos: most slopes are none, and edges are strong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._known_blur import KnownBlur
from adversity_plugins.restoration.deblur._sparse_slopes import sharpened

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring


class HyperLaplacian(KnownBlur):
    """Deblur under a hyper-Laplacian prior: most slopes are none, and few are strong.

        x = argmin strength / 2 |k * x - y|^2 + sum |grad x|^power

    in each channel, with the differences down and right. It is not convex; half-quadratic
    splitting draws slopes and image together, pulled 1, 2.8, 8, 22.6, 64 and 181 times as hard.
    The slopes of each pixel are solved to rounding, for any power, in place of a lookup table.
    `strength` is the paper's 2000, for noise of about 1 %; take more for less noise.

    Not differentiable; the backward pass sees the identity.

    Reference: Krishnan and Fergus, "Fast image deconvolution using hyper-Laplacian priors", 2009.
    """

    name: ClassVar[str] = "hyper_laplacian"
    reference: ClassVar[str] = (
        "Krishnan and Fergus, Fast image deconvolution using hyper-Laplacian priors, 2009"
    )

    strength: float = Field(default=2000.0, gt=0, le=1e7, description="weight of the residual")
    power: float = Field(default=2 / 3, gt=0, lt=1, description="of the size of a slope")
    rounds: int = Field(
        default=1, ge=1, le=100, description="of slopes and image, for each of six pulls"
    )

    def _sharpened(self, image: Tensor, blur: Blurring) -> Tensor:
        return sharpened(
            image.detach(), blur, strength=self.strength, power=self.power, rounds=self.rounds
        )
