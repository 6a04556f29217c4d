"""Inpainting by biharmonic functions: the smoothest surface through what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor


class InpaintBiharmonic(Restoration):
    """Fill missing pixels with the surface that bends least and meets the known ones.

    Each channel by itself minimises the sum of squared Laplacians, the image mirrored at its
    border: one sparse system, solved exactly in float64. Known pixels come back as they are.
    Slopes go on into a hole, so that large holes at an edge overshoot; what leaves [0, 1] is
    cut off. scikit-image's method of the name solves the same equations and cuts off at the
    darkest and lightest known value of each channel.

    Needs `mask` `[N, 1, H, W]`, 1 where the image is known, 0 where it is not. The gradient is
    exact; that of a missing pixel is 0.

    Reference: Damelin and Hoang, "On surface completion and image inpainting by biharmonic
    functions: numerical aspects", 2018.
    """

    name: ClassVar[str] = "inpaint_biharmonic"
    reference: ClassVar[str] = (
        "Damelin and Hoang, On surface completion and image inpainting by biharmonic functions: "
        "numerical aspects, 2018"
    )
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("mask",)
    restores: ClassVar[tuple[str, ...]] = ("missing_regions",)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images without holes."""
        from adversity_plugins.restoration.inpaint._biharmonic import filled
        from adversity_plugins.restoration.inpaint._known import known_pixels

        whole = filled(images.double(), known_pixels(needs["mask"]))
        return clip(whole).to(images.dtype)
