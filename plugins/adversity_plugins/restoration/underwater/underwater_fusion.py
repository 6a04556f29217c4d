"""Fusion for underwater images: a contrasty and a sharp version, blended at every scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, clip
from adversity_plugins.restoration._pyramid import blended, smoothed
from adversity_plugins.restoration.underwater._balance import equal_means, red_compensated

if TYPE_CHECKING:
    from torch import Tensor

_DELTA = 0.1
"""Each version counts a little everywhere (the paper's regularisation)."""
_LUMA = (0.299, 0.587, 0.114)


class UnderwaterFusion(Restoration):
    """Balance the colours, then blend a version of more contrast with a sharpened one.

    1. Red is compensated from green, then the grey world balances all channels.
    2. Two versions: the balanced image to the power `gamma`; and it sharpened, the mean of it
       and its fine detail stretched to [0, 1].
    3. Each pixel weighs them by contrast (Laplacian of luma), saliency (distance of the smoothed
       colour from the image's mean) and saturation; Laplacian pyramids blend them.

    Differences: the saliency is measured in image values where the paper takes CIELAB, pyramids
    are enlarged bilinearly, and they end at 8 pixels. gamma is ours, the paper gives none. The
    gradient is exact away from ties of least and greatest values.

    Reference: Ancuti, Ancuti, De Vleeschouwer, Bekaert, "Color balance and fusion for underwater
    image enhancement", 2018.
    """

    name: ClassVar[str] = "underwater_fusion"
    reference: ClassVar[str] = (
        "Ancuti, Ancuti, De Vleeschouwer, Bekaert, Color balance and fusion for underwater image "
        "enhancement, 2018"
    )
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("underwater",)

    alpha: float = Field(default=1.0, ge=0, le=5, description="how much red is compensated")
    gamma: float = Field(default=1.2, gt=0, le=5, description="power of the first version")

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return balanced images with more contrast."""
        balanced = clip(equal_means(red_compensated(images.double(), self.alpha), 1.0))
        # The power's slope at 0 would be infinite for gamma < 1.
        contrasty = balanced.clamp(min=1e-6) ** self.gamma
        versions = [contrasty, _sharpened(balanced)]
        weights = [_weight(version) + _DELTA for version in versions]
        total = weights[0] + weights[1]
        return clip(blended(versions, [one / total for one in weights])).to(images.dtype)


def _sharpened(images: Tensor) -> Tensor:
    """Return the mean of the images and their detail, stretched to [0, 1] over all channels."""
    detail = images - smoothed(smoothed(images))
    least = detail.amin((1, 2, 3), keepdim=True)
    width = detail.amax((1, 2, 3), keepdim=True) - least
    return (images + (detail - least) / width.clamp(min=1e-3)) / 2


def _weight(images: Tensor) -> Tensor:
    """Return contrast plus saliency plus saturation, `[N, 1, H, W]`."""
    luma = (images * images.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    contrast = (luma - smoothed(luma)).abs()
    saliency = _length(smoothed(images) - images.mean((2, 3), keepdim=True))
    saturation = _length(images - luma) / 3**0.5
    return contrast + saliency + saturation


def _length(values: Tensor) -> Tensor:
    """Return the length over channels; the small term keeps its slope at 0 finite."""
    return (values.square().sum(1, keepdim=True) + 1e-12).sqrt()
