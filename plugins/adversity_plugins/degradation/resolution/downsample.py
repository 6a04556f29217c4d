"""Fewer pixels: the image as a sensor of lower resolution gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, clip

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class Downsample(Degradation):
    """Shrink by a whole factor, bicubic with antialiasing.

    Keys' kernel (a = -0.5), made `factor` times as wide: Pillow's bicubic. Most benchmarks of
    super-resolution were made with MATLAB's `imresize`, which mirrors the image at its border,
    where this one scales the weights of what is inside to sum to 1. Of H and W that are multiples
    all but the two outermost rows and columns are MATLAB's, before it rounds to 8 bits.

    An odd row or column at the end is not dropped: H becomes ceil(H / factor), and the whole
    image is in it. Only where H and W are multiples does a restoration by the same factor give
    the size back, so that the two can be compared: see to it with `prepare:`. What overshoots
    [0, 1] is cut off.

    Reference: Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """

    name: ClassVar[str] = "downsample"
    reference: ClassVar[str] = (
        "Keys, Cubic convolution interpolation for digital image processing, 1981"
    )
    differentiable: ClassVar[bool] = True
    resizes: ClassVar[bool] = True

    factor: int = Field(default=2, ge=1, le=16, description="H and W are divided by this")

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return `[N, C, ceil(H / factor), ceil(W / factor)]`."""
        import torch

        size = [-(-side // self.factor) for side in images.shape[2:]]
        return clip(
            torch.nn.functional.interpolate(
                images, size=size, mode="bicubic", antialias=True, align_corners=False
            )
        )
