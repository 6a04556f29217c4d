"""The promise of a restoration: better images from degraded ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from adversity.contracts.values import Restored

__all__ = ["Restoration"]


class Restoration(PluginBase):
    '''Make degraded images better.

    `needs` names what `restore` takes beside the images. Each need is filled by a
    parameter of that name that is not None, else by the degradation's side information,
    else by `estimate`, else by what an earlier restoration found; the table says which.

    Example::

        from typing import ClassVar
        from adversity import Restoration, hookimpl

        class Brighter(Restoration):
            """Multiply by a factor, no further than white."""
            name: ClassVar[str] = "brighter"
            factor: float = 2.0

            def restore(self, images, **needs):
                return (images * self.factor).clamp(0, 1)

        @hookimpl
        def adversity_restorations():
            return [Brighter]
    '''

    describes: ClassVar[Kind] = Kind(
        name="restoration",
        hook="adversity_restorations",
        noun="a restoration",
        role="view",
        makes="images",
        leaves="images",
        image_role="restored",
        takes=("data", "images", "adversarial"),
        order=20,
        call="adversity.engine.calls.restoration_call:RestorationCall",
        public="adversity.engine.public.create:RestorationCall",
        kit="adversity.testing.kinds.restoration",
    )
    block_rows: ClassVar[int] = 1
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)
    needs: ClassVar[tuple[str, ...]] = ()
    scale: ClassVar[int] = 1
    """Output H and W are the input's times this (super-resolution), for every parameter."""
    restores: ClassVar[tuple[str, ...]] = ()
    """Degradations this method is meant for; the conformance kit checks each that is installed."""

    @abstractmethod
    def restore(self, images: Tensor, **needs: Tensor) -> Tensor | Restored:
        """Return better images.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1]; must not be changed.
            **needs: Exactly what `needs` names, each with first axis N.

        Returns:
            `[N, C, H * f, W * f]` float32 in [0, 1], f = `enlarges()`, or
            `Restored` with what it found.
        """

    def enlarges(self) -> int:
        """Return by what output H and W are the input's: `scale`, unless a parameter says it."""
        return type(self).scale

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate needs from the degraded images alone; the default knows none."""
        return {}

    def surrogate(self, images: Tensor) -> Tensor:
        """Return a differentiable stand-in for the backward pass (BPDA); the default is identity.

        Reference: Athalye, Carlini, Wagner, "Obfuscated gradients give a false sense of
        security", 2018, section 4.
        """
        return images
