"""JPEG: eight by eight blocks of few cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.degradation._imagenet_c import ImageNetC
from adversity_plugins.degradation.digital._jpeg import through_jpeg

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import Degraded, SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class JpegCompression(ImageNetC):
    """Store the image as a JPEG file of low quality and read it back.

    Values are rounded to 8 bits first, in both profiles: a JPEG file has no others. Pillow
    writes it, colour at half the resolution; other libraries, and other versions of libjpeg,
    may differ by a few grey levels.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "jpeg_compression"
    levels: ClassVar = {"quality": (25, 18, 15, 10, 7)}

    quality: int | None = Field(
        default=None, ge=1, le=100, description="of the JPEG file, as Pillow counts it"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return self._as_published(images, rng)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        return through_jpeg(pixels, int(self.level("quality")))
