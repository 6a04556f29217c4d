"""Blind deblurring under few slopes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._blind_blur import BlindBlur
from adversity_plugins.restoration.deblur._coarse_to_fine import Turns, by_turns, kernel_of
from adversity_plugins.restoration.deblur._few_slopes import few_slopes

if TYPE_CHECKING:
    from torch import Tensor


class BlindL0(BlindBlur):
    """Deblur by a kernel that is found with it: sharp edges are few.

        k, x = argmin |k * x - y|^2 + weight #{grad x != 0} + |k|^2

    by turns, from coarse to fine. x is a drawing of the strong edges, no photo; once k is found,
    the image is deblurred as by `hyper_laplacian`. It is for one kernel that holds of the whole
    image, such as that of an unsteady hand. It goes wrong where few edges are strong, as in a sky,
    or where they are all of one direction.

    The weight falls by a factor of 1.2 from turn to turn, to 1e-4. As in the later programs of Pan
    and others, k is fitted to slopes, under a squared penalty, here to as many of the strongest as
    the kernel needs, and it is cut off below a tenth of its largest value. Intensities are not
    penalised: that is for text on an even ground.

    Not differentiable; the backward pass sees the identity.

    Reference: Xu, Zheng, Jia, "Unnatural L0 sparse representation for natural image deblurring",
    2013; for the turns: Pan, Hu, Su, Yang, "Deblurring text images via L0-regularized intensity
    and gradient prior", 2014.
    """

    name: ClassVar[str] = "blind_l0"
    reference: ClassVar[str] = (
        "Xu, Zheng, Jia, Unnatural L0 sparse representation for natural image deblurring, 2013"
    )

    weight: float = Field(
        default=4e-3, gt=0, le=1, description="of the number of slopes, in the first turn"
    )
    turns: int = Field(default=8, ge=1, le=100, description="of image and kernel, at each scale")

    def _kernel(self, luma: Tensor) -> Tensor:
        turns = Turns(count=self.turns, weight=self.weight)
        return kernel_of(luma, self.kernel_size, partial(by_turns, sharper=few_slopes, turns=turns))
