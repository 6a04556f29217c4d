"""Rain: streaks in the air, drops on the lens, or streaks and mist."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import Degradation, Degraded, clip
from adversity_plugins.degradation.medium._depth import DepthKind, depth_map
from adversity_plugins.degradation.medium._lens_drops import drops_on_lens
from adversity_plugins.degradation.medium._streaks import streaks

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_AIR = 0.8
"""Image value of the mist."""


class Rain(Degradation):
    """Let it rain, in one of the three ways of MPID: streaks, drops on the lens, rain with mist.

    - `streak`: out = in + S. S are bright lines, nearly parallel, within 20 degrees of the
      vertical, of several lengths, widths and strengths.
    - `drop`: out = (1 - M) in + M R. In a drop R shows the scene upside down and smaller; M is its
      cover with a soft rim. Up to 120 drops of 1 to 5 % of the shorter side.
    - `mist`: out = t (in + S) + A (1 - t), with t = exp(-mist d) by a synthetic depth as in
      `haze`, A = 0.8.

    Everything goes with the image's size. `density` is how much of it there is: of 1, three
    streaks for every 1000 pixels of 224 x 224 (150 in all), or 120 drops. What exceeds white is
    cut off. All values are ours: MPID's images are photographs and renderings, without
    parameters. `length` and `strength` are of no account for `drop`, and `mist` only for `mist`.

    Side information: `transmission` `[N, 1, H, W]`, t (1 without mist); `rain` `[N, 1, H, W]`, S,
    or for `drop` M.

    Reference: Li et al., "Single image deraining: a comprehensive benchmark analysis", 2019
    (MPID; the three models); Garg and Nayar, "Vision and rain", 2007.
    """

    name: ClassVar[str] = "rain"
    reference: ClassVar[str] = (
        "Li et al., Single image deraining: a comprehensive benchmark analysis, 2019"
    )
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "density": (0.2, 0.4, 0.6, 0.8, 1.0),
        "length": (0.08, 0.1, 0.12, 0.15, 0.2),
        "strength": (0.3, 0.4, 0.5, 0.6, 0.7),
        "mist": (0.3, 0.6, 0.9, 1.2, 1.5),
    }

    density: float | None = Field(default=None, ge=0, le=1, description="how much rain")
    length: float | None = Field(
        default=None, gt=0, le=1, description="of the longest streak, in heights of the image"
    )
    strength: float | None = Field(
        default=None, ge=0, le=1, description="light of the brightest streak"
    )
    mist: float | None = Field(
        default=None, ge=0, le=20, description="optical thickness up to the farthest"
    )
    form: Literal["streak", "drop", "mist"] = Field(default="streak", description="which rain")
    depth: DepthKind = Field(default="ground", description="which synthetic depth the mist has")

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images in the rain, with `rain` and `transmission`."""
        import torch

        height, width = images.shape[2:]
        through = images.new_ones(len(images), 1, height, width)
        if self.form == "drop":
            looks, cover = drops_on_lens(rng, height, width, density=self.level("density"))
            looks, cover = looks.to(images), cover.to(images)
            seen = torch.nn.functional.grid_sample(
                images, looks, padding_mode="reflection", align_corners=False
            )
            wet = torch.where(cover > 0, images * (1 - cover) + seen * cover, images)
            return _told(wet, cover, through)
        light = streaks(
            rng,
            height,
            width,
            density=3 * self.level("density"),
            length=self.level("length"),
            strength=self.level("strength"),
        ).to(images)
        wet = images + light
        if self.form == "mist":
            depth = depth_map(self.depth, rng, height, width).to(images)
            through = (-self.level("mist") * depth).exp()
            wet = through * clip(wet) + _AIR * (1 - through)
        return _told(wet, light, through)


def _told(wet: Tensor, rain: Tensor, through: Tensor) -> Degraded:
    return Degraded(clip(wet), {"rain": rain.float(), "transmission": through.float()})
