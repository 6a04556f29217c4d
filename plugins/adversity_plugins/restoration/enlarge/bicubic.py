"""Bicubic interpolation: what every super-resolution method is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor


class Bicubic(Restoration):
    """Enlarge by a whole factor with Keys' cubic convolution.

    a = -0.5, as in Keys' paper, Pillow and MATLAB's `imresize`; OpenCV and torch without
    antialiasing take -0.75. Pixels are areas: the first of the large image lies within the
    first of the small one. Near the border the weights of what is inside are scaled to sum to 1,
    as Pillow does; MATLAB mirrors the image there, which moves the outermost 2 * factor rows and
    columns. What overshoots [0, 1] at an edge is cut off.

    Reference: Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """

    name: ClassVar[str] = "bicubic"
    reference: ClassVar[str] = (
        "Keys, Cubic convolution interpolation for digital image processing, 1981"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("downsample",)
    examples: ClassVar = ({}, {"factor": 3})

    factor: int = Field(default=2, ge=1, le=16, description="times as high and as wide")

    def enlarges(self) -> int:
        """Return `factor`."""
        return self.factor

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, C, H * factor, W * factor]`."""
        from adversity_plugins.restoration.enlarge._bicubic import enlarged

        return clip(enlarged(images, self.factor))
