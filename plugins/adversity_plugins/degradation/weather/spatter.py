"""Spatter: drops of water, or mud, on the lens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache, streams_in_cache
from adversity_plugins.degradation._luma import in_channels
from adversity_plugins.degradation._shifted import gaussian_blurred
from adversity_plugins.degradation.weather._drops import drops

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values

_WATER = (175 / 255, 238 / 255, 238 / 255)
_MUD = (63 / 255, 42 / 255, 20 / 255)
_OPAQUE = 0.8
"""Mud thinner than this is none."""


class Spatter(ImageNetC):
    """Put patches of a liquid on the image, where smoothed noise is above a threshold.

    Water (`mud` 0, severities 1 to 3) adds pale turquoise, brightest at the rims, `strength` at
    most. Mud (`mud` 1, severities 4 and 5) covers the image with brown, its patches smoothed
    with a Gaussian of `strength` pixels. The rims of water come from filters on 8-bit values
    (Canny's edges, distances, an equalised histogram), so in both profiles the patches are 8
    bits deep; the image is not in the profile `fast`.

    Side information: `mask` `[N, 1, H, W]`, 1 where the image is seen without liquid (profile
    `fast`).

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (extra corruptions; severities 1 to 5).
    """

    name: ClassVar[str] = "spatter"
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "mean": (0.65, 0.65, 0.65, 0.65, 0.67),
        "std": (0.3, 0.3, 0.3, 0.3, 0.4),
        "sigma_px": (4.0, 3.0, 2.0, 1.0, 1.0),
        "threshold": (0.69, 0.68, 0.68, 0.65, 0.65),
        "strength": (0.6, 0.6, 0.5, 1.5, 1.5),
        "mud": (0, 0, 0, 1, 1),
    }

    mean: float | None = Field(default=None, ge=0, le=1, description="of the noise")
    std: float | None = Field(
        default=None, ge=0, le=10, description="standard deviation of the noise"
    )
    sigma_px: float | None = Field(
        default=None, gt=0, le=100, description="of the Gaussian that smooths it, in pixels"
    )
    threshold: float | None = Field(
        default=None, gt=0, le=1, description="smooth noise above it is liquid"
    )
    strength: float | None = Field(
        default=None, gt=0, le=100, description="water: opacity; mud: smoothing in pixels"
    )
    mud: int | None = Field(default=None, ge=0, le=1, description="0: water, 1: mud")

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import torch

        covers: list[Tensor] = []

        def spattered(part: Tensor, streams: SampleRng) -> Tensor:
            covers.append(self._cover(streams, *images.shape[2:]).to(images))
            return self._covered(part, covers[-1])

        parts = zip(in_cache(images), streams_in_cache(images, rng), strict=True)
        worse = clipped(images, (spattered(*part) for part in parts))
        return Degraded(worse, {"mask": (torch.cat(covers) == 0).to(images)})

    def _cover(self, rng: SampleRng, height: int, width: int) -> Tensor:
        """Return `[n, 1, H, W]`, how much liquid there is."""
        import torch

        noise = rng.normal((1, height, width)).mul_(self.level("std")).add_(self.level("mean"))
        smooth = gaussian_blurred(noise, self.level("sigma_px"))
        if self.level("mud"):
            patches = (smooth > self.level("threshold")).float()
            cover = gaussian_blurred(patches, self.level("strength"))
            return torch.where(cover < _OPAQUE, 0.0, cover)
        rims = [drops(self._liquid(one.double().numpy())) for one in smooth[:, 0]]
        return torch.stack([torch.from_numpy(one) for one in rims])[:, None] * self.level(
            "strength"
        )

    def _covered(self, images: Tensor, cover: Tensor) -> Tensor:
        """Let `[n, 1, H, W]` of liquid cover images, not yet cut to [0, 1]."""
        mud = bool(self.level("mud"))
        colour = images.new_tensor(in_channels(_MUD if mud else _WATER, images.shape[1]))
        liquid = cover * colour.view(1, -1, 1, 1)
        return liquid.add_(images * (1 - cover) if mud else images)

    def _liquid(self, smooth: NDArray[np.float64]) -> Pixels:
        """Return the patches in 8 bits, 0 where there is none."""
        import numpy as np

        patches = np.where(smooth < self.level("threshold"), 0, smooth) * 255
        return patches.clip(0, 255).astype(np.uint8)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from scipy.ndimage import gaussian_filter

        values = np.array(pixels, dtype=np.float32) / 255.0
        noise = draws.normal(size=pixels.shape[:2], loc=self.level("mean"), scale=self.level("std"))
        smooth = gaussian_filter(noise, self.level("sigma_px"), mode="nearest", truncate=4.0)
        channels, strength = pixels.shape[2], self.level("strength")
        if not self.level("mud"):
            cover = drops(self._liquid(smooth)) * np.float32(strength)
            colour = np.array(in_channels(_WATER, channels), np.float32)
            return np.clip(values + cover[..., None] * colour, 0, 1) * 255
        patches = (smooth > self.level("threshold")).astype(np.float32)
        cover = gaussian_filter(patches, strength, mode="nearest", truncate=4.0)
        cover[cover < _OPAQUE] = 0
        colour = np.array(in_channels(_MUD, channels), np.float32)
        return np.clip(values * (1 - cover[..., None]) + colour * cover[..., None], 0, 1) * 255
