"""Blind deblurring by patches of sharp edges."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._blind_blur import BlindBlur
from adversity_plugins.restoration.deblur._coarse_to_fine import Turns, by_turns, kernel_of
from adversity_plugins.restoration.deblur._edge_patches import with_sharp_edges

if TYPE_CHECKING:
    from torch import Tensor


class BlindEdgePatches(BlindBlur):
    """Deblur by a kernel that is found with it: what is around an edge is like a drawn edge.

        k, x = argmin |k * x - y|^2 + weight sum_i |P_i x - q_i|^2 + |k|^2

    by turns, from coarse to fine. P_i x is the patch of 5 x 5 pixels around one of the strongest
    edges, and q_i the likest of 196 patches with a sharp step, line or corner, with the mean of
    P_i x and its contrast, drawn up to that of photos where it is below (`contrast`). What is
    between the edges is not trusted: slopes are kept small there, and k is fitted to the strongest
    alone. Once k is found, the image is deblurred as by `hyper_laplacian`. It goes wrong where few
    edges are strong, as in a sky.

    The patches are drawn, the paper's synthetic prior; no photo is learned from. Where the paper
    compares derivatives of several orders, x is compared with the image itself; k is fitted and
    cleaned as in `blind_l0`.

    Not differentiable; the backward pass sees the identity.

    Reference: Sun, Cho, Wang, Hays, "Edge-based blur kernel estimation using patch priors", 2013.
    """

    name: ClassVar[str] = "blind_edge_patches"
    reference: ClassVar[str] = (
        "Sun, Cho, Wang, Hays, Edge-based blur kernel estimation using patch priors, 2013"
    )

    examples: ClassVar = ({"kernel_size": 15, "turns": 2},)

    weight: float = Field(default=0.02, gt=0, le=10, description="of the patches")
    share: float = Field(
        default=0.03, gt=0, le=0.5, description="of the pixels around which a patch is drawn"
    )
    contrast: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="part of the way to which faint edges are drawn up to those of photos",
    )
    turns: int = Field(default=4, ge=1, le=100, description="of image and kernel, at each scale")

    def _kernel(self, luma: Tensor) -> Tensor:
        sharper = partial(with_sharp_edges, share=self.share, contrast=self.contrast)
        turns = Turns(count=self.turns, weight=self.weight, fall=1.0)
        return kernel_of(luma, self.kernel_size, partial(by_turns, sharper=sharper, turns=turns))
