"""LIME: divide the image by the light that fell on the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

_EPS = 1e-3
"""Keeps the division finite where there is no light at all."""


class LIME(Restoration):
    """Brighten by an estimated illumination map (LIME).

    The illumination starts as the brightest channel of each pixel, is smoothed except
    across its own structure, raised to the power gamma, and divides the image:

        out = min(1, in / (T + 0.001) ** gamma)

    The refinement is the paper's sped-up solver with weighting strategy III: one weighted
    least-squares system, solved exactly (sparse LU in float64). Left out: the paper's
    optional BM3D denoising of the result. What exceeds white is cut off at white.

    The gradient is exact too, through the weights and, by the implicit function theorem,
    through the solution of the system.

    Reference: Guo, Li, Ling, "LIME: Low-light image enhancement via illumination map
    estimation", 2017, section II.
    """

    name: ClassVar[str] = "lime"
    reference: ClassVar[str] = (
        "Guo, Li, Ling, LIME: Low-light image enhancement via illumination map estimation, 2017"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("low_light",)

    alpha: float = Field(default=0.15, gt=0, le=100, description="strength of the smoothing")
    gamma: float = Field(
        default=0.8, ge=0, le=1, description="power of the illumination; 0 leaves the image"
    )
    window_sigma: float = Field(
        default=2.0, gt=0, le=50, description="width in pixels of the structure window"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return the images divided by their refined illumination."""
        from adversity_plugins.restoration.brighten._illumination import refine

        wide = images.double()
        light = refine(wide.amax(1), alpha=self.alpha, window_sigma=self.window_sigma)
        bright = wide / (light.unsqueeze(1) + _EPS) ** self.gamma
        return clip(bright).to(images.dtype)
