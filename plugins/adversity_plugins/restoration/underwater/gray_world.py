"""Grey world: the average of a scene is grey, so what is not was the light."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor


class GrayWorld(Restoration):
    """Scale each channel so that all have the same mean: white balance by the grey world.

    out_c = in_c (m / m_c) ** strength on the image values, with m_c the channel's mean plus 0.001,
    so that black stays finite, and m the mean of these. What exceeds white is cut off. An image of
    one channel comes back. A green meadow is no grey world, and becomes too red: on photos that
    were no more than mildly off it takes more than it gives.

    Reference: Buchsbaum, "A spatial processor model for object colour perception", 1980.
    """

    name: ClassVar[str] = "gray_world"
    reference: ClassVar[str] = (
        "Buchsbaum, A spatial processor model for object colour perception, 1980"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("underwater", "colour_cast")

    strength: float = Field(default=1.0, ge=0, le=1, description="1: equal means, 0: as it was")

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images whose channels have equal means, but for what is cut off."""
        from adversity_plugins.restoration.underwater._balance import equal_means

        return clip(equal_means(images.double(), self.strength)).to(images.dtype)
