"""CLAHE: more contrast in each neighbourhood, but not more than a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

_TINY = 1e-6
"""Keeps the ratio of two values finite at black."""


class CLAHE(Restoration):
    """Equalise the histogram of each part of the image, with limited contrast (CLAHE).

    The value V of HSV (the largest channel) is cut into `tiles` x `tiles` parts. Each has a curve,
    the running sum of its histogram, in which no bin holds more than `limit` times its even
    share: so slopes, and noise, grow by no more than about `limit`. A pixel takes what the four
    nearest curves say, bilinearly, and its channels are scaled alike.

    Values count in the two bins next to them and curves are straight between bins, so nothing is
    quantised and the gradient is exact between the bins' bends. What is above the limit is spread
    such that no bin exceeds it afterwards, where OpenCV and the original spread once and let bins
    rise above it a little. Default tiles and bins are those of OpenCV.

    Reference: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV,
    1994.
    """

    name: ClassVar[str] = "clahe"
    reference: ClassVar[str] = (
        "Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("low_light",)

    tiles: int = Field(default=8, ge=1, le=64, description="parts along each side")
    limit: float = Field(
        default=4.0, gt=1, le=1024, description="most that a bin holds, in even shares"
    )
    bins: int = Field(default=256, ge=2, le=1024, description="of the histograms")

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images of more local contrast."""
        from adversity_plugins.restoration.brighten._equalised import equalised

        wide = images.double()
        value = wide.amax(1, keepdim=True)
        raised = equalised(value, tiles=self.tiles, limit=self.limit, bins=self.bins)
        return clip(wide * ((raised + _TINY) / (value + _TINY))).to(images.dtype)
