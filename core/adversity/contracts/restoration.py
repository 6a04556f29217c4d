"""The promise of a restoration: better images from degraded ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts.plugin import Makes, PluginBase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["Restoration"]


class Restoration(PluginBase):
    """Make degraded images better.

    `needs` names what `restore` wants beside the images. Each need is filled by a
    parameter of that name that is not None, else by the degradation's side information,
    else by `estimate`; the table says which.
    """

    kind: ClassVar[str] = "restoration"
    makes: ClassVar[Makes] = "images"
    block_rows: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    scale: ClassVar[int] = 1
    """Output H and W are the input's times this (super-resolution)."""
    restores: ClassVar[tuple[str, ...]] = ()
    """Degradations this method is meant for; the conformance kit checks each that is installed."""

    @abstractmethod
    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return better images.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1]; must not be changed.
            **needs: Exactly what `needs` names, each with first axis N.

        Returns:
            `[N, C, H * scale, W * scale]` float32 in [0, 1].
        """

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate needs from the degraded images alone; the default knows none."""
        return {}

    def surrogate(self, images: Tensor) -> Tensor:
        """Return a differentiable stand-in for the backward pass (BPDA); the default is identity.

        Reference: Athalye, Carlini, Wagner, "Obfuscated gradients give a false sense of
        security", 2018, section 4.
        """
        return images
