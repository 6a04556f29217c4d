"""The noise of an image, without a clean one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from adversity import MeasureInfo, NoReferenceMetric, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NoiseLevel"]


class NoiseLevel(NoReferenceMetric):
    """Standard deviation of white Gaussian noise, estimated from the image alone.

    For photographs without a clean partner. Fine texture makes it too large, clipping to [0, 1]
    too small; and a blurred image has little noise without being a good one.
    """

    name = "noise_level"
    reference = "D. L. Donoho, I. M. Johnstone, Ideal spatial adaptation by wavelet shrinkage, 1994"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "noise_level": MeasureInfo(
            low=0.0, attacked="fact", title="noise level", better="lower", group="quality"
        )
    }
    smallest: ClassVar[int] = 4

    def measure(self, images: Tensor) -> Tensor:  # type: ignore[override]  # it has no reference
        """Return `[N]` float64 on the [0, 1] scale; 0 for a flat image."""
        return metrics.noise_level(images)

    def convention(self) -> Mapping[str, object]:
        """Return scale, channels and filter."""
        return {
            "scale": "[0, 1]",
            "channels": "mean over channels",
            "estimate": "median of the absolute finest diagonal coefficients / 0.6745, zeros left out",
            "wavelet": "Daubechies, two vanishing moments",
        }
