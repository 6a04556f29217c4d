"""Structural similarity to the clean image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from adversity import ImageMetric, MeasureInfo, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SSIM"]


class SSIM(ImageMetric):
    """Structural similarity with Wang's window, mean over channels, 1 for equal images.

    The defaults of libraries differ: `window: uniform, window_size: 7, covariance: sample` is
    scikit-image's, `padding: reflect` kornia's, `downsample: true` that of ssim.m, which is piq's
    where both sides are even and the shorter one has 384 to 639 pixels.
    """

    name = "ssim"
    always = True
    reference = (
        "Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "
        "Image quality assessment: from error visibility to structural similarity, 2004"
    )
    image_channels: ClassVar[None] = None
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "ssim": MeasureInfo(
            -1.0, 1.0, attacked="fact", title="SSIM", better="higher", group="quality"
        )
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {},
        {"window": "uniform", "window_size": 7, "covariance": "sample"},
        {"channels": "luma", "padding": "reflect", "crop": 2, "rounding": "uint8"},
        {"channels": "grey", "padding": "zeros", "sigma": 1.0, "downsample": True},
    )

    channels: Literal["mean", "luma", "grey"] = Field(
        "mean",
        description="The mean of the channels' own; of BT.601's Y from 16 to 235; or of BT.601's "
        "full-range grey. A grey image is taken as it is.",
    )
    data_range: Literal["unit", "reference"] = Field(
        "unit", description="In the constants: 1, or max - min of each clean image."
    )
    rounding: Literal["none", "uint8"] = Field(
        "none", description="Whether both images are rounded to the 256 values of a file first."
    )
    crop: int = Field(0, ge=0, description="Pixels of each border that are left out.")
    window: Literal["gaussian", "uniform"] = Field(
        "gaussian", description="The weights of the window."
    )
    window_size: int = Field(
        11, ge=3, le=101, description="The window's width in pixels, an odd number."
    )
    sigma: float = Field(1.5, gt=0, description="Of the Gaussian window, in pixels.")
    padding: Literal["valid", "reflect", "zeros"] = Field(
        "valid",
        description="Windows inside the image only; or one at each pixel, the image mirrored at "
        "its border pixels, or black around it.",
    )
    covariance: Literal["population", "sample"] = Field(
        "population", description="Variances divided by n, or by n - 1."
    )
    downsample: bool = Field(
        False,  # noqa: FBT003  (a default)
        description="Whether images of 384 pixels and more are averaged and thinned first, so "
        "that the shorter side is near 256, as Wang's ssim.m does.",
    )

    @field_validator("window_size")
    @classmethod
    def _odd(cls, value: int) -> int:
        """Refuse a window without a middle."""
        if value % 2 == 0:
            raise ValueError(
                f"a window has a middle, so its width is odd: {value - 1} or {value + 1}"
            )
        return value

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return any number, but for luma and grey, which are made of grey and colour."""
        return None if self.channels in ("mean",) else (1, 3)

    def smallest_side(self) -> int:
        """Return the window's width and what the crop takes; less where the image is padded."""
        return metrics.ssim_smallest_side(
            window_size=self.window_size, padding=self.padding, crop=self.crop
        )

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64; the images must be as large as `smallest_side` says."""
        return metrics.ssim(images, reference, **self.model_dump())

    def convention(self) -> Mapping[str, object]:
        """Return window, range and the rest."""
        return metrics.ssim_convention(**self.model_dump())
