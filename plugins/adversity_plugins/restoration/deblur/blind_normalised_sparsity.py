"""Blind deblurring by normalised sparsity."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._blind_blur import BlindBlur
from adversity_plugins.restoration.deblur._coarse_to_fine import kernel_of
from adversity_plugins.restoration.deblur._sparse_share import from_sparse_slopes

if TYPE_CHECKING:
    from torch import Tensor


class BlindNormalisedSparsity(BlindBlur):
    """Deblur by a kernel that is found with slopes whose sum of sizes is small for their length.

        k, x = argmin |k * x - y|^2 / 2 + weight |x|_1 / |x|_2

    by turns, from coarse to fine, in the differences x and y of the images down and right, y
    brought to the length 1. A plain |x|_1 is least for a blurred image; divided by the length it
    is least for a sharp one. As in `blind_l0`, the kernel is fitted to the strongest slopes, under
    a squared penalty in place of the paper's sum of sizes, and cut off below a tenth of its largest
    value; the weight is the same in all turns. It is more easily led astray than `blind_l0`, by a
    `kernel_size` far above the blur above all: on drawings of 48 x 48 pixels 15 made it worse, 11
    did not.

    Not differentiable; the backward pass sees the identity.

    Reference: Krishnan, Tay, Fergus, "Blind deconvolution using a normalized sparsity measure",
    2011.
    """

    name: ClassVar[str] = "blind_normalised_sparsity"
    reference: ClassVar[str] = (
        "Krishnan, Tay, Fergus, Blind deconvolution using a normalized sparsity measure, 2011"
    )

    examples: ClassVar = ({"kernel_size": 11},)

    weight: float = Field(default=6e-4, gt=0, le=1, description="of the sum of sizes over length")
    turns: int = Field(default=6, ge=1, le=100, description="of slopes and kernel, at each scale")

    def _kernel(self, luma: Tensor) -> Tensor:
        refined = partial(from_sparse_slopes, weight=self.weight, turns=self.turns)
        return kernel_of(luma, self.kernel_size, refined)
