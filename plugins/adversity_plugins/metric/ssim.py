"""Structural similarity to the clean image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from adversity import ImageMetric, MeasureInfo, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SSIM"]


class SSIM(ImageMetric):
    """Structural similarity with Wang's window, mean over channels, 1 for equal images."""

    name = "ssim"
    always = True
    reference = (
        "Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "
        "Image quality assessment: from error visibility to structural similarity, 2004"
    )
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "ssim": MeasureInfo(
            -1.0, 1.0, attacked="fact", title="SSIM", better="higher", group="quality"
        )
    }
    smallest: ClassVar[int] = 11

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64; the images must be at least 11 x 11."""
        return metrics.ssim(images, reference)

    def convention(self) -> Mapping[str, object]:
        """Return window, range and the rest."""
        return dict(metrics.SSIM_CONVENTION)
