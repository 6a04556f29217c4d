"""Deconvolution by least total variation: sharp edges between smooth areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._known_blur import KnownBlur
from adversity_plugins.restoration.deblur._total_variation import solved

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring


class TVDeconvolution(KnownBlur):
    """Deblur by penalising the length of the gradient, with values held within [0, 1].

        x = argmin |k * x - y|^2 / 2 + weight TV(x),    0 <= x <= 1

    TV is the sum over pixels of the Euclidean norm of the differences down and right, in all
    channels together. Solved until the primal-dual gap is at most `tolerance` of the objective:
    the optimum is no further off. Edges become sharp without ringing, fine texture goes.

    Not differentiable; the backward pass sees the identity.

    Reference: Rudin and Osher, "Total variation based image restoration with free local
    constraints", 1994; Almeida and Figueiredo, "Deconvolving images with unknown boundaries
    using the alternating direction method of multipliers", 2013.
    """

    name: ClassVar[str] = "tv_deconvolution"
    reference: ClassVar[str] = (
        "Rudin and Osher, Total variation based image restoration with free local constraints, 1994"
    )

    examples: ClassVar = ({"circular": False, "tolerance": 0.1},)

    weight: float = Field(default=5e-4, gt=0, le=10, description="of the variation")
    tolerance: float = Field(
        default=1e-2, ge=1e-6, le=0.1, description="gap to the optimum, as a share of the objective"
    )

    def _sharpened(self, image: Tensor, blur: Blurring) -> Tensor:
        return solved(image.detach(), blur, self.weight, self.tolerance).image
