"""Snow: flakes that fall, and a whitened scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation._luma import luma, luma_values
from adversity_plugins.degradation._motion import fading_line, moved_sum
from adversity_plugins.degradation._shifted import replicated, shifted_sum
from adversity_plugins.degradation._zoomed import middle_side, zoomed, zoomed_pixels

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class Snow(ImageNetC):
    """Whiten the image and add flakes: enlarged noise above a threshold, blurred as it falls.

    Normal noise is enlarged, what is below the threshold is taken out, and the rest is smeared
    along a steep random angle (-135 to -45 degrees, for each image) and added twice, once
    turned by 180 degrees. The scene x becomes keep x + (1 - keep) max(x, 1.5 luma + 0.5).

    In the profile `reference` the flakes are smeared as in the package `imagecorruptions`,
    which rewrote ImageMagick's motion blur in NumPy: the published code rounds them to 8 bits
    before that, too, and cuts them to the image's size before instead of after.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "snow"
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "mean": (0.1, 0.2, 0.55, 0.55, 0.55),
        "std": (0.3, 0.3, 0.3, 0.3, 0.3),
        "zoom": (3.0, 2.0, 4.0, 4.5, 2.5),
        "threshold": (0.5, 0.5, 0.9, 0.85, 0.85),
        "radius_px": (10, 12, 12, 12, 12),
        "sigma_px": (4.0, 4.0, 8.0, 8.0, 12.0),
        "keep": (0.8, 0.7, 0.7, 0.65, 0.55),
    }

    mean: float | None = Field(default=None, ge=0, le=10, description="of the flakes' noise")
    std: float | None = Field(
        default=None, ge=0, le=10, description="standard deviation of the flakes' noise"
    )
    zoom: float | None = Field(default=None, ge=1, le=100, description="size of a flake in pixels")
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="noise below it is no flake"
    )
    radius_px: int | None = Field(
        default=None, ge=1, le=500, description="half the length of the fall, in pixels"
    )
    sigma_px: float | None = Field(
        default=None, gt=0, le=1000, description="standard deviation of its fading, in pixels"
    )
    keep: float | None = Field(
        default=None, ge=0, le=1, description="what is left of the scene; the rest is whitened"
    )

    def _line(self, angle: float) -> list[tuple[int, int, float]]:
        return fading_line(int(self.level("radius_px")), self.level("sigma_px"), angle)

    def _flakes(self, rng: SampleRng, height: int, width: int) -> Tensor:
        """Return `[N, 1, H, W]` of falling flakes."""
        import torch

        zoom, reach = self.level("zoom"), 2 * int(self.level("radius_px"))
        # Only what is enlarged is drawn: a tenth of the image.
        noise = rng.normal((1, middle_side(height, zoom), middle_side(width, zoom)))
        layer = zoomed(noise.mul_(self.level("std")).add_(self.level("mean")), zoom, height, width)
        layer = torch.where(layer < self.level("threshold"), 0.0, layer.clamp(0, 1))
        fallen = []
        for row, share in enumerate(rng.uniform().tolist()):
            line = self._line(90 * share - 135)
            taps = [(reach - down, reach - right, weight) for down, right, weight in line]
            wide = replicated(layer[row : row + 1], reach, reach)
            fallen.append(shifted_sum(wide, taps, height, width))
        return torch.cat(fallen)

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        flakes = self._flakes(rng, *images.shape[2:]).to(images)
        parts = zip(in_cache(images), in_cache(flakes), strict=True)
        return Degraded(clipped(images, (self._snowed(*part) for part in parts)))

    def _snowed(self, images: Tensor, flakes: Tensor) -> Tensor:
        keep = self.level("keep")
        white = luma(images) * 1.5 + 0.5
        scene = keep * images + (1 - keep) * images.maximum(white)
        return scene + (flakes + flakes.flip(2, 3))

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        values, keep = np.array(pixels, dtype=np.float32) / 255.0, self.level("keep")
        layer = draws.normal(size=pixels.shape[:2], loc=self.level("mean"), scale=self.level("std"))
        layer = zoomed_pixels(layer[..., None], self.level("zoom"), trim=False)
        layer[layer < self.level("threshold")] = 0
        layer = moved_sum(np.clip(layer, 0, 1), self._line(draws.uniform(-135, -45)))
        layer = layer[: pixels.shape[0], : pixels.shape[1]]
        layer = np.round(layer * 255).astype(np.uint8) / 255.0
        white = luma_values(values) * 1.5 + 0.5
        values = keep * values + (1 - keep) * np.maximum(values, white)
        return np.clip(values + layer + np.rot90(layer, k=2), 0, 1) * 255
