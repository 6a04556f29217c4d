"""What deblurring by a known kernel shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Restoration, clip
from adversity_plugins.restoration.deblur._blurring import Blurring

if TYPE_CHECKING:
    from torch import Tensor


class KnownBlur(Restoration):
    """Deblur each image by itself, by a kernel that is known.

    Needs `kernel` `[N, 1, k, k]`, with which the image was correlated, and `circular` `[N]`: 1 if
    the opposite border follows beyond the border, 0 if not. Then what lies beyond is not known,
    and is found with the rest as far as the kernel reaches. Both are parameters, or what the
    degradation tells. What a method makes of a value outside [0, 1] is cut off.
    """

    image_channels: ClassVar[None] = None
    needs: ClassVar[tuple[str, ...]] = ("kernel", "circular")
    restores: ClassVar[tuple[str, ...]] = ("blur", "defocus_blur")
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"circular": False},)

    kernel: tuple[tuple[float, ...], ...] | None = Field(
        default=None, description="what the image was correlated with, rows of numbers; none: told"
    )
    circular: bool | None = Field(
        default=None, description="the image goes round at its border; none: told"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return sharp images.

        Raises:
            ValueError: If `circular` is neither 0 nor 1.
        """
        import torch

        rows = []
        for image, kernel, goes_round in zip(
            images, needs["kernel"], needs["circular"].tolist(), strict=True
        ):
            if goes_round not in (0, 1):
                raise ValueError(f"expected circular to be 0 or 1, got {goes_round:g}")
            height, width = image.shape[1:]
            blur = Blurring(kernel[0].to(image), height, width, circular=goes_round == 1)
            rows.append(clip(blur.seen(self._sharpened(image, blur))))
        return torch.stack(rows)

    @abstractmethod
    def _sharpened(self, image: Tensor, blur: Blurring) -> Tensor:
        """Return one sharp image on the domain of the blur, `[C, H', W']`, of `[C, H, W]`."""
