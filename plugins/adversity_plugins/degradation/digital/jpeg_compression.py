"""JPEG: eight by eight blocks of few cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC
from adversity_plugins.degradation.digital._jpeg import planes_through_jpeg, through_jpeg

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class JpegCompression(ImageNetC):
    """Store the image as a JPEG file of low quality and read it back.

    Values are rounded to 8 bits first, in both profiles: a JPEG file has no others. Pillow
    writes it, colour at half the resolution; other libraries, and other versions of libjpeg,
    may differ by a few grey levels.

    Side information: `quality` `[N]`, 1 to 100 as Pillow counts it.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "jpeg_compression"
    levels: ClassVar = {"quality": (25, 18, 15, 10, 7)}

    quality: int | None = Field(
        default=None, ge=1, le=100, description="of the JPEG file, as Pillow counts it"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import numpy as np
        import torch

        quality, worse = int(self.level("quality")), np.empty(images.shape, np.float32)
        for row, image in zip(worse, images.detach(), strict=True):
            # By NumPy: torch takes four times as long to cut floats to bytes.
            pixels = (image * 255).round_().cpu().numpy().astype(np.uint8)
            for plane, back in zip(row, planes_through_jpeg(pixels, quality), strict=True):
                np.divide(back, np.float32(255), out=plane)
        return Degraded(torch.from_numpy(worse).to(images), self._told(images))

    def _told(self, images: Tensor) -> dict[str, Tensor]:
        return {"quality": images.new_full((len(images),), self.level("quality"))}

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        return through_jpeg(pixels, int(self.level("quality")))
