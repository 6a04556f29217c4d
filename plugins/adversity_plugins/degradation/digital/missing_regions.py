"""Missing regions: rectangles, strokes or text that hide what was there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded
from adversity_plugins.degradation.digital._holes import HoleKind, hidden

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class MissingRegions(Degradation):
    """Hide a share of the pixels under rectangles, strokes of a pen or lines of text.

    out = in where the mask is 1, and `fill` where it is 0, in all channels. Shapes are added one
    after another until at least `share` of the pixels are hidden, so a little more is. For the
    same image a larger share hides what a smaller one hides, and more. The sizes go with the
    image's: rectangles have sides of 4 to 20 % of it, strokes are 1 to 3 % of its shorter side
    wide, letters 6 to 10 % of its height tall and at least 7 pixels.

    The severities are ours: 5, 10, 20, 30 and 40 % of the pixels.

    Side information: `mask` `[N, 1, H, W]`, 1 where the image is known.
    """

    name: ClassVar[str] = "missing_regions"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"share": (0.05, 0.1, 0.2, 0.3, 0.4)}

    share: float | None = Field(
        default=None, ge=0, le=0.9, description="of the pixels that are hidden, at least"
    )
    shapes: HoleKind = Field(default="rectangles", description="what hides them")
    fill: float = Field(default=0.0, ge=0, le=1, description="value of hidden pixels")

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images with holes and their `mask`."""
        height, width = images.shape[2:]
        hole = hidden(self.shapes, rng, height, width, self.level("share")).to(images.device)
        return Degraded(images.masked_fill(hole, self.fill), {"mask": (~hole).float()})
