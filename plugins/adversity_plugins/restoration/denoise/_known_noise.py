"""What denoisers for white noise of a known level share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, Restored, clip, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class KnownNoise(Restoration):
    """Denoise each image by itself, for white Gaussian noise of a level that is known.

    Needs `sigma`, the noise level on the [0, 1] scale: the parameter, else the degradation's,
    else an estimate from the image. An image whose sigma is 0 comes back as it is. What a
    method makes of a value outside [0, 1] is cut off.
    """

    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("sigma",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)

    sigma: float | None = Field(
        default=None, gt=0, le=1, description="noise level on the [0, 1] scale"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return denoised images and the `sigma` that was used, `[N]` on the [0, 1] scale."""
        import torch

        rows = [
            clip(self._denoised(image, float(level))) if float(level) > 0 else image.clone()
            for image, level in zip(images, needs["sigma"], strict=True)
        ]
        return Restored(torch.stack(rows), {"sigma": needs["sigma"]})

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate sigma `[N]` from the finest wavelet coefficients."""
        return {"sigma": metrics.noise_level(images).to(images.dtype)}

    @abstractmethod
    def _denoised(self, image: Tensor, sigma: float) -> Tensor:
        """Return one image `[C, H, W]` without its noise; it is clipped afterwards."""
