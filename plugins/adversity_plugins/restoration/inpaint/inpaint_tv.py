"""Inpainting by least total variation: edges go on straight, and flat stays flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration

if TYPE_CHECKING:
    from torch import Tensor


class InpaintTV(Restoration):
    """Fill missing pixels so that the image's total variation is least.

    Known pixels are held, missing ones lie in [0, 1], and each channel by itself minimises the
    sum over pixels of the length of the forward differences. Edges are joined by straight lines
    across narrow holes; a hole wider than what it cuts is closed off. The primal-dual
    method starts from the biharmonic surface and stops when the duality gap, which bounds what is
    left to gain, is below `gap` for each missing value, or after `iterations`.

    Needs `mask` `[N, 1, H, W]`, 1 where the image is known, 0 where it is not. Not
    differentiable here; the backward pass sees the identity.

    Reference: Chan and Shen, "Mathematical models for local nontexture inpaintings", 2001;
    Chambolle and Pock, "A first-order primal-dual algorithm for convex problems with
    applications to imaging", 2011.
    """

    name: ClassVar[str] = "inpaint_tv"
    reference: ClassVar[str] = (
        "Chan and Shen, Mathematical models for local nontexture inpaintings, 2001"
    )
    image_channels: ClassVar[None] = None
    needs: ClassVar[tuple[str, ...]] = ("mask",)
    restores: ClassVar[tuple[str, ...]] = ("missing_regions",)

    iterations: int = Field(default=1000, ge=1, le=100_000, description="at most")
    gap: float = Field(
        default=0.004, gt=0, le=1, description="duality gap for each missing value, to stop at"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images without holes."""
        from adversity_plugins.restoration.inpaint import _biharmonic, _total_variation
        from adversity_plugins.restoration.inpaint._known import known_pixels

        known, given = known_pixels(needs["mask"]), images.detach()
        start = _biharmonic.filled(given.double(), known).clamp(0, 1).to(given)
        whole, _ = _total_variation.filled(
            given, known, start, iterations=self.iterations, gap=self.gap
        )
        return whole
