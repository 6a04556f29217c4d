"""BM3D: patches that look alike are denoised together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.denoise._block_matching import SIDE, groups, haar
from adversity_plugins.restoration.denoise._known_noise import KnownNoise
from adversity_plugins.restoration.denoise._mirror import (
    channels_apart,
    channels_together,
    cosines,
    mirrored,
)
from adversity_plugins.restoration.denoise._overlap import Overlap, patches
from adversity_plugins.restoration.denoise._spline_wavelet import spline_transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

_ALIKE = 3000 / 255**2 - 2 * (25 / 255) ** 2
_ALIKE_AFTER = 400 / 255**2
"""Mean squared differences up to which patches are alike, noise aside."""

_STACKS = 2048
"""So many at once: what they hold in memory stays bounded."""

_TINY = 1e-6
"""Of a stack without any power, which weighs little whatever it says."""


class BM3D(KnownNoise):
    """Denoise stacks of patches that look alike by their 3-D transform, in two steps (BM3D).

    Every third patch of 8 x 8 is stacked with those within 19 pixels that are nearest to it. In
    the first step (at most 16 alike) coefficients of the stack below threshold * sigma become 0;
    in the second (at most 32, alike in the first step's image) they are weighed by that image's
    power, which is the Wiener filter. Overlapping answers are averaged with the paper's weights.
    Colour is turned by an orthonormal DCT over the channels, and patches are compared in
    brightness alone (CBM3D).

    Where we differ: in the first step patches are alike if their mean squared difference, less
    the 2 sigma^2 that noise alone makes, is at most 0.027: at sigma 25/255 that is the paper's
    3000/255^2, and strong noise needs no parameters of its own.

    Not differentiable here, since which patches are alike jumps; the backward pass sees the
    identity.

    Reference: Dabov, Foi, Katkovnik, Egiazarian, "Image denoising by sparse 3-D
    transform-domain collaborative filtering", 2007, table 1 (normal profile).
    """

    name: ClassVar[str] = "bm3d"
    reference: ClassVar[str] = (
        "Dabov, Foi, Katkovnik, Egiazarian, Image denoising by sparse 3-D transform-domain "
        "collaborative filtering, 2007"
    )
    differentiable: ClassVar[bool] = False
    heavy: ClassVar[str] = "looks for patches alike, twice in each image"

    threshold: float = Field(
        default=2.7, gt=0, le=10, description="what is kept of a stack, in units of sigma"
    )
    step: int = Field(default=3, ge=1, le=8, description="distance of reference patches, in pixels")
    reach: int = Field(default=19, ge=1, le=64, description="how far to look, in pixels")

    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        import torch

        with torch.no_grad():
            height, width = image.shape[1:]
            planes = channels_apart(image.detach())
            planes = mirrored(planes, 0, max(0, SIDE - min(height, width)))
            basic = self._first(planes, sigma)
            return channels_together(self._second(planes, basic, sigma)[:, :height, :width])

    def _first(self, planes: Tensor, sigma: float) -> Tensor:
        """Return planes `[C, H, W]` from thresholded stacks."""
        transform = spline_transform(SIDE, planes)
        noisy, total = patches(planes, transform), Overlap(planes, transform)
        for places in self._alike(planes[0], 16, _ALIKE + 2 * sigma**2):
            line = haar(places.shape[1], planes)
            values = line @ noisy[places].flatten(2)
            kept = (values.abs() > self.threshold * sigma).to(planes)
            weights = 1 / by_channel(kept, planes).clamp(min=1)
            total.add(places, line.T @ (values * kept), weights)
        return total.mean()

    def _second(self, planes: Tensor, basic: Tensor, sigma: float) -> Tensor:
        """Return planes `[C, H, W]` from stacks weighed by the power of the first answer."""
        transform = cosines(SIDE, planes)
        noisy, clean = patches(planes, transform), patches(basic, transform)
        total = Overlap(planes, transform)
        for places in self._alike(basic[0], 32, _ALIKE_AFTER):
            line = haar(places.shape[1], planes)
            power = (line @ clean[places].flatten(2)) ** 2
            share = power / (power + sigma**2)
            values = share * (line @ noisy[places].flatten(2))
            weights = 1 / by_channel(share**2, planes).clamp(min=_TINY)
            total.add(places, line.T @ values, weights)
        return total.mean()

    def _alike(self, plane: Tensor, most: int, limit: float) -> Iterator[Tensor]:
        """Yield places `[G, K]` of patches that are alike, a bounded number of stacks at once."""
        for places in groups(plane, most=most, limit=limit, reach=self.reach, step=self.step):
            yield from (places[start : start + _STACKS] for start in range(0, len(places), _STACKS))


def by_channel(values: Tensor, planes: Tensor) -> Tensor:
    """Return the sums `[G, C]` of stacks `[G, K, C * 64]`."""
    groups, alike, _ = values.shape
    return values.reshape(groups, alike, len(planes), -1).sum((1, 3))
