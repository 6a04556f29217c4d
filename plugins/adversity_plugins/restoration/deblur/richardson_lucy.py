"""Richardson-Lucy deconvolution: the likeliest image if light is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._known_blur import KnownBlur

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

_START = 0.5
_TINY = 1e-12
_HARDLY = 1e-2
"""Where less of a pixel's light was seen, nothing is said of it."""


class RichardsonLucy(KnownBlur):
    """Deblur by the iterations that find the likeliest image under Poisson noise.

        x <- x H'(y / H x) / H'(1)

    in each channel, from a grey image, with H the blur and H' its adjoint. Nothing becomes
    negative, and light is kept. Each iteration sharpens more and adds noise: to stop early is the
    regularisation. It rings beside strong edges. Where the image is not circular, x reaches
    beyond the border, and H'(1) says how much of each pixel was seen.

    Reference: Richardson, "Bayesian-based iterative method of image restoration", 1972; Lucy,
    "An iterative technique for the rectification of observed distributions", 1974; at the
    border: Bertero and Boccacci, "A simple method for the reduction of boundary effects in the
    Richardson-Lucy approach to image deconvolution", 2005.
    """

    name: ClassVar[str] = "richardson_lucy"
    reference: ClassVar[str] = (
        "Richardson, Bayesian-based iterative method of image restoration, 1972"
    )
    differentiable: ClassVar[bool] = True

    iterations: int = Field(default=30, ge=1, le=10_000, description="how many")

    def _sharpened(self, image: Tensor, blur: Blurring) -> Tensor:
        import torch

        weight = blur.gathered(blur.unseen(torch.ones_like(image[:1])))
        told = weight > _HARDLY
        sharp = image.new_full((len(image), *blur.size), _START)
        for _ in range(self.iterations):
            light = blur.seen(blur.spread(sharp)).clamp(min=_TINY)
            change = blur.gathered(blur.unseen(image / light)) / weight.clamp(min=_HARDLY)
            # Transforms round: what is 0 could become a little less.
            sharp = sharp * torch.where(told, change.clamp(min=0), 1)
        return sharp
