"""Peak signal-to-noise ratio against the clean image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import ImageMetric, MeasureInfo, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PSNR"]


class PSNR(ImageMetric):
    """Peak signal-to-noise ratio in dB over all channels; infinite for equal images.

    Means are taken over the finite values, and the infinite ones are counted. Papers on
    super-resolution take `channels: luma` and crop as many pixels as the factor.
    """

    name = "psnr"
    always = True
    image_channels: ClassVar[None] = None
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "psnr_db": MeasureInfo(
            attacked="fact",
            title="PSNR",
            unit="dB",
            better="higher",
            group="quality",
        )
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {},
        {"channels": "luma", "rounding": "uint8", "crop": 4},
        {"channels": "mean"},
        {"channels": "grey"},
    )

    channels: Literal["all", "mean", "luma", "grey"] = Field(
        "all",
        description="One mean squared error over all channels; the mean of the channels' own "
        "PSNRs; BT.601's Y from 16 to 235, as papers on super-resolution take it; or BT.601's "
        "full-range grey. A grey image is taken as it is.",
    )
    data_range: Literal["unit", "reference"] = Field(
        "unit", description="The peak: 1, or max - min of each clean image."
    )
    rounding: Literal["none", "uint8"] = Field(
        "none", description="Whether both images are rounded to the 256 values of a file first."
    )
    crop: int = Field(0, ge=0, description="Pixels of each border that are left out.")

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return any number, but for luma and grey, which are made of grey and colour."""
        return None if self.channels in ("all", "mean") else (1, 3)

    def smallest_side(self) -> int:
        """Return one pixel more than the crop takes."""
        return 2 * self.crop + 1

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64 in dB."""
        return metrics.psnr(images, reference, **self.model_dump())

    def convention(self) -> Mapping[str, object]:
        """Return channels, range and the rest."""
        return metrics.psnr_convention(**self.model_dump())
