"""What blind deblurring shares: a kernel is found in the luma, and all channels are deblurred."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity import Restoration, Restored, clip
from adversity_plugins.restoration.deblur._blurring import Blurring
from adversity_plugins.restoration.deblur._sparse_slopes import sharpened

if TYPE_CHECKING:
    from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)
_POWER = 2 / 3


class BlindBlur(Restoration):
    """Find the kernel that blurred each image, and deblur by it, as `hyper_laplacian` does.

    Nothing is needed but the image, and nothing is assumed of what lies beyond its border. The
    kernel is found in BT.601's luma, in float64, up to `kernel_size` pixels wide and up to a
    third of the image's shorter side. Where an image is flat, no two neighbours further apart
    than 1/255, or its shorter side below 9 pixels, nothing tells its blur: the kernel that blurs
    nothing is found. What it makes of a value outside [0, 1] is cut off.

    Finds `kernel` `[N, 1, k, k]`, k = `kernel_size`, with its mean place at its centre: blind
    methods cannot tell where the image was.
    """

    restores: ClassVar[tuple[str, ...]] = ("blur",)

    kernel_size: int = Field(
        default=25, ge=3, le=51, description="largest kernel that is looked for, in pixels, odd"
    )
    strength: float = Field(
        default=2000.0,
        gt=0,
        le=1e7,
        description="weight of the residual, once the kernel is found; as of hyper_laplacian",
    )

    @field_validator("kernel_size")
    @classmethod
    def _kernel_has_a_centre(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {value}; try {value + 1}")
        return value

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return sharp images, and the `kernel` that was found for each."""
        import torch

        rows, kernels = [], []
        for image in images.detach():
            kernel = self._kernel(luma(image.double()))
            blur = Blurring(kernel.to(image), *image.shape[1:], circular=False)
            sharp = sharpened(image, blur, strength=self.strength, power=_POWER, rounds=1)
            rows.append(clip(blur.seen(sharp)))
            kernels.append(kernel[None])
        return Restored(torch.stack(rows), {"kernel": torch.stack(kernels).float()})

    @abstractmethod
    def _kernel(self, luma: Tensor) -> Tensor:
        """Return the kernel `[kernel_size, kernel_size]` of one image `[H, W]`."""


def luma(image: Tensor) -> Tensor:
    if len(image) == 1:
        return image[0]
    return (image * image.new_tensor(_LUMA).view(3, 1, 1)).sum(0)
