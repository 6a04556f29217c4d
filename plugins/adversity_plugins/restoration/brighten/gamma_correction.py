"""Gamma correction: the simplest brightening, and the baseline every other one must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration

if TYPE_CHECKING:
    from torch import Tensor

_STEEPEST = 1e-4
"""The slope is taken at this value for anything darker: at 0 it would be infinite."""


class GammaCorrection(Restoration):
    """Raise every value to the power gamma; below 1 it brightens, above 1 it darkens.

    out = in ** gamma on the encoded values, without a gain. 0 and 1 stay where they are.

    For gamma < 1 the derivative at black is infinite, which would turn gradients into NaN.
    Gradients are exact for values from 1e-4 up; darker values (less than a fortieth of a
    grey level of 8 bits) get the finite slope at 1e-4.

    Reference: Gonzalez and Woods, "Digital image processing", 4th edition, 2018, section
    3.2 (power-law transformations).
    """

    name: ClassVar[str] = "gamma_correction"
    reference: ClassVar[str] = "Gonzalez and Woods, Digital image processing, 4th edition, 2018"
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("low_light",)

    gamma: float = Field(default=0.4, gt=0, le=10, description="exponent; smaller than 1 brightens")

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return the images to the power gamma."""
        fixed = images.detach()
        slope = self.gamma * fixed.clamp(min=_STEEPEST) ** (self.gamma - 1)
        # The second term is exactly 0; it only carries the gradient.
        return fixed**self.gamma + slope * (images - fixed)
