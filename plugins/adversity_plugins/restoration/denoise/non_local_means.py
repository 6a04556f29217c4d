"""Non-local means: average pixels whose surroundings look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity import Restoration, Restored, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class NonLocalMeans(Restoration):
    """Denoise by averaging over patches that look alike, near and far.

    scikit-image's fast algorithm, which weighs whole windows by box sums and is another
    estimator than the textbook's (Darbon et al., 2008). The filter strength is h * sigma.
    An image whose sigma is 0 comes back as it is: there is nothing to remove.

    Needs `sigma`, the noise level on the [0, 1] scale: the parameter, else the
    degradation's, else an estimate from the image (which texture makes too large).

    Not differentiable here; the backward pass sees the identity.

    Reference: Buades, Coll, Morel, "A non-local algorithm for image denoising", 2005;
    Darbon, Cunha, Chan, Osher, Jensen, "Fast nonlocal filtering applied to electron
    cryomicroscopy", 2008.
    """

    name: ClassVar[str] = "non_local_means"
    reference: ClassVar[str] = (
        "Buades, Coll, Morel, A non-local algorithm for image denoising, 2005"
    )
    needs: ClassVar[tuple[str, ...]] = ("sigma",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)

    sigma: float | None = Field(
        default=None, gt=0, le=1, description="noise level on the [0, 1] scale"
    )
    h: float = Field(default=0.8, gt=0, le=10, description="filter strength in units of sigma")
    patch_size: int = Field(default=5, ge=1, le=31, description="side of a patch, odd")
    patch_distance: int = Field(default=6, ge=1, le=50, description="how far to look, in pixels")

    @field_validator("patch_size")
    @classmethod
    def _patch_has_a_centre(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"patch_size must be odd, got {value}; try {value + 1}")
        return value

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return denoised images and the `sigma` that was used, `[N]` on the [0, 1] scale."""
        import torch

        rows = [
            self._denoise(image, float(level))
            for image, level in zip(images, needs["sigma"], strict=True)
        ]
        return Restored(torch.stack(rows), {"sigma": needs["sigma"]})

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate sigma `[N]` from the finest wavelet coefficients."""
        return {"sigma": metrics.noise_level(images).to(images.dtype)}

    def _denoise(self, image: Tensor, sigma: float) -> Tensor:
        import torch
        from skimage.restoration import denoise_nl_means

        if sigma == 0:
            return image.detach().clone()
        pixels = image.detach().permute(1, 2, 0).cpu().double().numpy()
        denoised = denoise_nl_means(
            pixels,
            patch_size=self.patch_size,
            patch_distance=self.patch_distance,
            h=self.h * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1,
        )
        # scikit-image drops axes of length 1. Averages leave [0, 1] only by rounding.
        restored = torch.from_numpy(denoised.reshape(pixels.shape)).clamp(0, 1)
        return restored.to(image).permute(2, 0, 1)
