"""A faded print: less contrast, less colour, a yellowed paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, clip
from adversity_plugins.degradation._luma import in_channels, luma

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_PAPER = (0.96, 0.92, 0.82)
"""Aged paper, as an image value; ours."""


class Faded(Degradation):
    """Bleach the image: black rises, white turns to the paper's colour, colours turn grey.

    With Y the luma (BT.601), s = 1 - colour_loss, p the paper:

        grey = Y + s (in - Y),    out = black + (paper_c - black) grey

    where paper_c goes from white to yellowed paper with `yellowing`. It is linear in the image.
    The severities are ours.

    Reference: Wilhelm and Brower, "The permanence and care of color photographs", 1993 (what
    fades; no constants).
    """

    name: ClassVar[str] = "faded"
    reference: ClassVar[str] = (
        "Wilhelm and Brower, The permanence and care of color photographs, 1993"
    )
    differentiable: ClassVar[bool] = True
    levels: ClassVar = {
        "black": (0.08, 0.15, 0.22, 0.3, 0.4),
        "colour_loss": (0.2, 0.35, 0.5, 0.65, 0.8),
        "yellowing": (0.2, 0.4, 0.6, 0.8, 1.0),
    }

    black: float | None = Field(default=None, ge=0, le=0.8, description="image value of black")
    colour_loss: float | None = Field(
        default=None, ge=0, le=1, description="share of the colour that is gone; 1: grey"
    )
    yellowing: float | None = Field(
        default=None, ge=0, le=1, description="of the paper; 0: white, 1: aged"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return faded images; `rng` is not used."""
        grey = luma(images)
        bleached = grey + (1 - self.level("colour_loss")) * (images - grey)
        paper = images.new_tensor(in_channels(_PAPER, images.shape[1])).view(1, -1, 1, 1)
        white = 1 - self.level("yellowing") * (1 - paper)
        black = self.level("black")
        return clip(black + (white - black) * bleached)
