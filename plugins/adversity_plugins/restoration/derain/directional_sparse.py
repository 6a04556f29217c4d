"""Deraining by direction: streaks run one way, and the scene does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, Restored

if TYPE_CHECKING:
    from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


class DirectionalSparse(Restoration):
    """Take a layer of streaks off: sparse, smooth along the rain, and what makes edges across it.

    The layer R, the same in all channels, minimises

        along |D R|_1 + sparse |R|_1 + |d (Y - R)|_1,    0 <= R <= least channel

    with Y the luma, D differences along the rain and d differences along rows; out = in - R. The
    direction is `angle`, or found for each image within `most_degrees` of the vertical. Thin
    bright things that stand upright go with the rain; wide streaks and mist stay. The weights are
    ours, chosen on three photos under `rain`; the paper sets its own for each kind of image.

    Not differentiable here; the backward pass sees the identity.

    Finds `rain` `[N, 1, H, W]` and `angle` `[N]` in degrees.

    Reference: Deng, Huang, Zhao, Jiang, "A directional global sparse model for single image rain
    removal", 2018.
    """

    name: ClassVar[str] = "directional_sparse"
    reference: ClassVar[str] = (
        "Deng, Huang, Zhao, Jiang, A directional global sparse model for single image rain "
        "removal, 2018"
    )
    restores: ClassVar[tuple[str, ...]] = ("rain",)

    along: float = Field(default=1.0, gt=0, le=100, description="weight of changes along the rain")
    sparse: float = Field(default=0.4, ge=0, le=100, description="weight of the rain itself")
    angle: float | None = Field(
        default=None, ge=-45, le=45, description="degrees to the right of downwards; none: found"
    )
    most_degrees: int = Field(
        default=30, ge=0, le=44, description="how far from the vertical it is looked for"
    )
    iterations: int = Field(default=150, ge=1, le=10_000, description="of the primal-dual method")

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return images without streaks, and the `rain` and `angle` that were found."""
        from adversity_plugins.restoration.derain._layers import rain_angle, rain_layer

        fixed = images.detach()
        luma = fixed
        if images.shape[1] == 3:
            luma = (fixed * fixed.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        angle = rain_angle(luma, self.most_degrees)
        if self.angle is not None:
            angle = angle.new_full(angle.shape, self.angle)
        slant = (angle * (math.pi / 180)).tan()
        rain = rain_layer(
            luma,
            fixed.amin(1, keepdim=True),
            slant,
            along=self.along,
            sparse=self.sparse,
            iterations=self.iterations,
        )
        return Restored((fixed - rain).clamp(0, 1), {"rain": rain.float(), "angle": angle.float()})
