"""Denoisers of DeepInverse (J. Tachella and others) that need no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_adapters.restoring import PeerDenoiser

if TYPE_CHECKING:
    from torch import Tensor

TACHELLA = (
    "Tachella et al., DeepInverse: a Python package for solving imaging inverse problems, 2025"
)
WITH_PTWT = "BSD-3-Clause AND EUPL-1.2"
"""ptwt, which computes the wavelets, is under the EUPL."""


class DeepinvMedian(PeerDenoiser):
    """The median filter of deepinv."""

    name: ClassVar[str] = "deepinv_median"
    reference: ClassVar[str] = TACHELLA
    licence: ClassVar[str] = "BSD-3-Clause"
    differentiable: ClassVar[bool] = True

    kernel_size: int = Field(default=3, ge=1, description="in pixels")

    def build(self) -> Any:
        """Return the filter."""
        from deepinv.models import MedianFilter

        return MedianFilter(kernel_size=self.kernel_size)


class DeepinvTV(PeerDenoiser):
    """Total-variation denoising of deepinv."""

    name: ClassVar[str] = "deepinv_tv"
    reference: ClassVar[str] = TACHELLA
    licence: ClassVar[str] = "BSD-3-Clause"

    threshold: float = Field(default=0.1, gt=0, description="the weight of the total variation")
    iterations: int = Field(default=100, ge=1)

    def build(self) -> Any:
        """Return the denoiser."""
        from deepinv.models import TVDenoiser

        return TVDenoiser(ths=self.threshold, n_it_max=self.iterations)


class DeepinvWavelet(PeerDenoiser):
    """Soft thresholding of wavelets by deepinv."""

    name: ClassVar[str] = "deepinv_wavelet"
    reference: ClassVar[str] = TACHELLA
    licence: ClassVar[str] = WITH_PTWT
    differentiable: ClassVar[bool] = True

    threshold: float = Field(default=0.1, gt=0)
    level: int = Field(default=3, ge=1)
    wavelet: str = "db8"

    def build(self) -> Any:
        """Return the denoiser."""
        from deepinv.models import WaveletDenoiser

        return WaveletDenoiser(level=self.level, wv=self.wavelet)

    def denoise(self, images: Tensor, *needs: Tensor) -> Tensor:
        """Call the denoiser, which takes its threshold with the images."""
        return self._network(images, self.threshold)


class DeepinvBM3D(PeerDenoiser):
    """BM3D of deepinv, its own implementation in torch."""

    name: ClassVar[str] = "deepinv_bm3d"
    reference: ClassVar[str] = TACHELLA
    licence: ClassVar[str] = WITH_PTWT
    needs: ClassVar[tuple[str, ...]] = ("sigma",)

    sigma: float | None = Field(default=None, gt=0, le=1, description="on the [0, 1] scale")

    def build(self) -> Any:
        """Return the denoiser."""
        from deepinv.models import BM3D

        return BM3D(use_legacy=False)


PLUGINS = (DeepinvMedian, DeepinvTV, DeepinvWavelet, DeepinvBM3D)
