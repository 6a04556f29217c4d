"""Peak signal-to-noise ratio against the clean image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from adversity import ImageMetric, MeasureInfo, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PSNR"]


class PSNR(ImageMetric):
    """Peak signal-to-noise ratio in dB over all channels; infinite for equal images.

    Means are taken over the finite values, and the infinite ones are counted.
    """

    name = "psnr"
    always = True
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "psnr_db": MeasureInfo(
            low=0.0,
            attacked="fact",
            title="PSNR",
            unit="dB",
            better="higher",
            group="quality",
        )
    }

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64 in dB."""
        return metrics.psnr(images, reference)

    def convention(self) -> Mapping[str, object]:
        """Return channels, range and the rest."""
        return dict(metrics.PSNR_CONVENTION)
