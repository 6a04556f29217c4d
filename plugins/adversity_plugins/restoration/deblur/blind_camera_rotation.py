"""Blind deblurring of what a turning camera took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity import Restoration, Restored, clip
from adversity_plugins.restoration.deblur._blind_blur import luma
from adversity_plugins.restoration.deblur._shake_weights import Search, shake_of

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._shake import Shake

_TINY = 1e-6
_HARDLY = 1e-2
"""Where less of a pixel's light was seen, nothing is said of it."""


class BlindCameraRotation(Restoration):
    """Deblur by how the camera turned, which is found with it: each place has a blur of its own.

        y = sum_r w_r T_r x

    with T_r the homographies K R_r K^-1 of rotations on a grid about the camera's three axes, and
    w_r not negative. From coarse to fine, and by turns at each scale, x is made sharp around its
    edges as in `blind_edge_patches`, and w is fitted to its strongest slopes. Then each channel is
    deblurred by Richardson-Lucy iterations under these homographies. For a hand that rolls the
    camera; one kernel for all places is found faster, and better, by the other blind methods. The
    CPU works, whatever the device.

    Where the paper marginalises over x, x is the likeliest one here, as in the authors' later
    MAP-l1; their shock filter is replaced by patches of edges.

    Finds `rotations` `[N, rolls, k, k]`, the weights, with their mean at the middle: blind methods
    cannot tell where the camera looked. A step of the last two axes is 1 / `focal` over the image's
    longer side, a step of the first two radians over it.

    Not differentiable; the backward pass sees the identity.

    Reference: Whyte, Sivic, Zisserman, Ponce, "Non-uniform deblurring for shaken images", 2010; in
    International Journal of Computer Vision, 2012 (MAP-l1).
    """

    name: ClassVar[str] = "blind_camera_rotation"
    reference: ClassVar[str] = (
        "Whyte, Sivic, Zisserman, Ponce, Non-uniform deblurring for shaken images, 2010"
    )
    restores: ClassVar[tuple[str, ...]] = ("blur",)
    examples: ClassVar = ({"kernel_size": 9, "roll": 2.0, "turns": 2, "iterations": 10},)

    kernel_size: int = Field(
        default=25,
        ge=3,
        le=51,
        description="largest blur of the image's middle that is looked for, in pixels, odd",
    )
    roll: float = Field(
        default=5.0, ge=0, le=30, description="range of turns about the axis of view, in degrees"
    )
    focal: float = Field(
        default=1.0, ge=0.2, le=1e4, description="focal length over the image's longer side"
    )
    weight: float = Field(default=0.02, gt=0, le=10, description="of the patches around edges")
    share: float = Field(
        default=0.03, gt=0, le=0.5, description="of the pixels around which a patch is drawn"
    )
    contrast: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="part of the way to which faint edges are drawn up to those of photos",
    )
    price: float = Field(
        default=0.0, ge=0, lt=1, description="of the sum of the weights; above 0 fewer are found"
    )
    turns: int = Field(default=4, ge=1, le=100, description="of image and weights, at each scale")
    iterations: int = Field(
        default=30, ge=1, le=10_000, description="of Richardson-Lucy, once the weights are found"
    )

    @field_validator("kernel_size")
    @classmethod
    def _kernel_has_a_centre(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {value}; try {value + 1}")
        return value

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return sharp images, and the `rotations` that were found for each."""
        import torch

        search = Search(
            side=self.kernel_size,
            focal=self.focal,
            roll=math.radians(self.roll),
            turns=self.turns,
            weight=self.weight,
            share=self.share,
            contrast=self.contrast,
            price=self.price,
        )
        rows, found = [], []
        for image in images.detach().cpu():
            shake, weights = shake_of(luma(image.double()), search)
            rows.append(clip(shaken_light(image, shake, weights, self.iterations)))
            found.append(weights.float())
        return Restored(torch.stack(rows).to(images), {"rotations": torch.stack(found).to(images)})


def shaken_light(image: Tensor, shake: Shake, weights: Tensor, iterations: int) -> Tensor:
    """Return the likeliest sharp image `[C, H, W]` under Poisson noise, from grey, float32."""
    import torch

    blur = shake.blur(weights)
    seen = blur.gathered(torch.ones(shake.height, shake.width))
    told = seen > _HARDLY
    rows = []
    for channel in image.float():
        sharp = torch.full(shake.size, 0.5)
        for _ in range(iterations):
            ratio = channel / blur.spread(sharp).clamp(min=_TINY)
            change = blur.gathered(ratio) / seen.clamp(min=_HARDLY)
            sharp = sharp * torch.where(told, change, 1)
        rows.append(shake.cut(sharp))
    return torch.stack(rows)
