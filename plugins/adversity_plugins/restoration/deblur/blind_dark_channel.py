"""Blind deblurring by the dark channel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from adversity_plugins.restoration.deblur._blind_blur import BlindBlur
from adversity_plugins.restoration.deblur._coarse_to_fine import Turns, by_turns, kernel_of
from adversity_plugins.restoration.deblur._dark_and_few import few_slopes_and_darks

if TYPE_CHECKING:
    from torch import Tensor


class BlindDarkChannel(BlindBlur):
    """Deblur by a kernel that is found with it: edges are few, and each place has a black pixel.

        k, x = argmin |k * x - y|^2 + weight (#{grad x != 0} + darkness #{D(x) != 0}) + |k|^2

    by turns, from coarse to fine, with D(x) the least value of each window: a blur mixes it with
    its neighbours, so that less is black. All else is as in `blind_l0`, the falling weight
    included. It goes wrong where nothing is dark, or where what is dark is the noise.

    The dark channel is that of the luma, of one value a pixel.

    Not differentiable; the backward pass sees the identity.

    Reference: Pan, Sun, Pfister, Yang, "Blind image deblurring using dark channel prior", 2016.
    """

    name: ClassVar[str] = "blind_dark_channel"
    reference: ClassVar[str] = (
        "Pan, Sun, Pfister, Yang, Blind image deblurring using dark channel prior, 2016"
    )

    examples: ClassVar = ({"kernel_size": 15, "turns": 3},)

    weight: float = Field(
        default=4e-3, gt=0, le=1, description="of the number of slopes, in the first turn"
    )
    darkness: float = Field(
        default=0.3,
        gt=0,
        le=100,
        description="weight of the number of dark pixels that are not black, in units of the other",
    )
    window: int = Field(
        default=25, ge=3, le=201, description="side of the dark channel's windows in pixels, odd"
    )
    turns: int = Field(default=8, ge=1, le=100, description="of image and kernel, at each scale")

    @field_validator("window")
    @classmethod
    def _window_has_a_centre(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"window must be odd, got {value}; try {value + 1}")
        return value

    def _kernel(self, luma: Tensor) -> Tensor:
        sharper = partial(few_slopes_and_darks, size=self.window, share=self.darkness)
        turns = Turns(count=self.turns, weight=self.weight)
        return kernel_of(luma, self.kernel_size, partial(by_turns, sharper=sharper, turns=turns))
