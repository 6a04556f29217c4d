"""SelfEx: super-resolution from the image's own patches at a coarser scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SelfEx"]

_STEP = 1.45
"""No level is larger than this times the one before."""
_BACK = 8


class SelfEx(Restoration):
    """Enlarge with detail that patches of the image itself have at a coarser scale (SelfEx).

    In steps of at most 1.45 times the size, each patch of 5 x 5 pixels of the bicubic luma is found
    again in the image of the step before, made as soft: at any place, 0.78 to 1.28 times the size,
    turned by up to 29 degrees, by PatchMatch. The detail that is beside the soft image there is
    added, the mean over all patches that a pixel is in; then the sum is made to shrink to the image
    that was given (back-projection), which is the larger part of the gain. Nothing is learnt and
    nothing is drawn anew: an image always gives the same. Cb and Cr are bicubic; a grey image is
    taken as it is.

    What the published method has beyond this: perspective transforms, guided by the planes and
    vanishing points that it detects, and shear.

    Reference: Huang, Singh, Ahuja, "Single image super-resolution from transformed self-exemplars",
    2015.
    """

    name: ClassVar[str] = "self_ex"
    reference: ClassVar[str] = (
        "Huang, Singh, Ahuja, Single image super-resolution from transformed self-exemplars, 2015"
    )
    restores: ClassVar[tuple[str, ...]] = ("downsample",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"turns": 1},)

    factor: int = Field(default=2, ge=2, le=8, description="times as high and as wide")
    turns: int = Field(default=2, ge=0, le=50, description="of the search, at each level")

    def enlarges(self) -> int:
        """Return `factor`."""
        return self.factor

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, C, H * factor, W * factor]`."""
        import torch

        return torch.cat([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> Tensor:
        from adversity_plugins.restoration.enlarge._bicubic import enlarged, luma, reluminated

        given = luma(image)
        sides, levels = given.shape[2:], math.ceil(math.log(self.factor) / math.log(_STEP))
        finer = given
        for level in range(1, levels + 1):
            height, width = (round(side * self.factor ** (level / levels)) for side in sides)
            finer = self._finer(finer, given, height, width)
        large = enlarged(image, self.factor)
        return clip(reluminated(large, finer - luma(large)))

    def _finer(self, luma: Tensor, given: Tensor, height: int, width: int) -> Tensor:
        """Return a level from the one before and the image that it must shrink to."""
        from adversity_plugins.restoration.enlarge._bicubic import resized
        from adversity_plugins.restoration.enlarge._self_examples import borrowed, matched

        before = luma.shape[2:]
        coarse = [
            max(1, round(side * side / after))
            for side, after in zip(before, (height, width), strict=True)
        ]
        soft, source = resized(luma, height, width), resized(resized(luma, *coarse), *before)
        field, _ = matched(soft, source, turns=self.turns)
        finer = soft + borrowed(luma - source, field, height, width)
        for _ in range(_BACK):
            finer = finer + resized(given - resized(finer, *given.shape[2:]), height, width)
        return finer

    def surrogate(self, images: Tensor) -> Tensor:
        """Return the bicubic image: where patches are found again is no smooth function."""
        from adversity_plugins.restoration.enlarge._bicubic import enlarged

        return clip(enlarged(images, self.factor))
