"""Haze: what is far away turns into the colour of the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import Degradation, Degraded, clip
from adversity_plugins.degradation.medium._depth import DepthKind, depth_map
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_DIMMEST, _BRIGHTEST = 0.7, 1.0
"""Between these the air's light is drawn, as in RESIDE."""


class Haze(Degradation):
    """Let light be scattered away, and into the view, the more the farther something is.

    With J the clear image, d the depth in (0, 1] (1 is the farthest), A the airlight:

        t = exp(-beta d),    out = t J + A (1 - t)

    The formula holds for light. `light: encoded` applies it to the image values themselves, as
    RESIDE, the other data sets of synthetic haze and most methods of dehazing do; `linear` to
    linear light (sRGB decoded), where the same beta looks thicker over dark things.

    A is the same in all channels: as given, or drawn for each image from [0.7, 1], as in RESIDE.
    The severities are five values of beta across RESIDE's range, [0.6, 1.8]: of the farthest,
    55, 41, 30, 22, 17 % of the light comes through. The depth is synthetic and knows nothing of
    what the image shows: `ground` (a plane up to the horizon, beyond which all is far), `corridor`,
    `smooth` (a random surface), `flat` (everything as far), or `scene`, the ground with upright
    boxes on it: for methods that must cope with edges in depth; to the eye they are panes of
    frosted glass.

    Side information: `transmission` and `depth` `[N, 1, H, W]`, `airlight` `[N, 3]` as an image
    value. With them, J = (out - A (1 - t)) / t.

    Reference: Koschmieder, "Theorie der horizontalen Sichtweite", 1924; Narasimhan and Nayar,
    "Vision and the atmosphere", 2002; Li et al., "Benchmarking single-image dehazing and
    beyond", 2019 (RESIDE; ranges of beta and A).
    """

    name: ClassVar[str] = "haze"
    reference: ClassVar[str] = (
        "Narasimhan and Nayar, Vision and the atmosphere, 2002; Li et al., Benchmarking "
        "single-image dehazing and beyond, 2019"
    )
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"beta": (0.6, 0.9, 1.2, 1.5, 1.8)}

    beta: float | None = Field(
        default=None, ge=0, le=20, description="optical thickness up to the farthest"
    )
    airlight: float | None = Field(
        default=None, ge=0, le=1, description="image value of the haze; none: drawn from [0.7, 1]"
    )
    depth: DepthKind = Field(default="ground", description="which synthetic depth")
    light: Literal["encoded", "linear"] = Field(
        default="encoded", description="what is mixed: image values, or linear light"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return hazy images with `transmission`, `depth` and `airlight`."""
        depth = depth_map(self.depth, rng, *images.shape[2:]).to(images)
        through = (-self.level("beta") * depth).exp()
        air = self._airlight(rng).to(images)
        if self.light == "linear":
            hazy = linear_to_srgb(_mixed(srgb_to_linear(images), srgb_to_linear(air), through))
        else:
            hazy = _mixed(images, air, through)
        side = {
            "transmission": through.float(),
            "depth": depth.float(),
            "airlight": air.view(-1, 1).expand(-1, 3).float(),
        }
        return Degraded(clip(hazy), side)

    def _airlight(self, rng: SampleRng) -> Tensor:
        """Return `[N, 1, 1, 1]`."""
        drawn = rng.child("airlight").uniform((1, 1, 1))
        if self.airlight is None:
            return _DIMMEST + (_BRIGHTEST - _DIMMEST) * drawn
        return drawn.new_full(drawn.shape, self.airlight)


def _mixed(clear: Tensor, air: Tensor, through: Tensor) -> Tensor:
    return through * clear + air * (1 - through)
