"""Under water: red fades first, and the water itself shines in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded, clip
from adversity_plugins.degradation.medium._depth import DepthKind, depth_map
from adversity_plugins.degradation.medium._jerlov import ATTENUATION, WaterType
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class Underwater(Degradation):
    """Let water take light away, of each colour by itself, and scatter its own light in.

    In linear light, with J the image in air, z the range in metres and c a channel:

        direct  = J exp(-K_c deep_m) exp(-K_c z)
        scatter = B_c (1 - exp(-backscatter K_c z)),    B_c = veil exp(-K_c deep_m) min K / K_c

    and out is their sum. B is the light of endless water, which scatters all colours alike and
    loses them along the way: their sum over the path is as 1 / K_c. K_c is the attenuation of the water type after Jerlov, red, green and
    blue at 600, 525 and 475 nm: I, IA, IB, II, III of the open sea, 1C to 9C of coasts, from blue
    to yellow-green. Light from the surface has gone `deep_m` metres down before. As Akkaynak and
    Treibitz found, scattered light needs a coefficient of its own: `backscatter` times K_c.
    What a camera does next is not in it, neither exposure nor white balance: deep is dark.
    Left out are blur by forward scattering, and particles.

    The range is `range_m` times a synthetic relative depth that knows nothing of what the image
    shows (as in `haze`). The severities are ours: the farthest thing at 2, 4, 6, 9 and 13 m.

    Side information: `depth` `[N, 1, H, W]` in metres; `airlight` `[N, 3]`, the image values of
    B; `attenuation` `[N, 3]`, K_c in 1/m; `transmission` `[N, 1, H, W]`, the share of the direct
    light that the range leaves, averaged over the channels.

    Reference: Akkaynak and Treibitz, "A revised underwater image formation model", 2018;
    Jerlov, "Marine optics", 1976, table XXVII.
    """

    name: ClassVar[str] = "underwater"
    reference: ClassVar[str] = (
        "Akkaynak and Treibitz, A revised underwater image formation model, 2018; Jerlov, "
        "Marine optics, 1976"
    )
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"range_m": (2, 4, 6, 9, 13)}

    range_m: float | None = Field(
        default=None, ge=0, le=100, description="range of the farthest thing, in metres"
    )
    water: WaterType = Field(default="II", description="type of water after Jerlov")
    deep_m: float = Field(default=3.0, ge=0, le=200, description="metres below the surface")
    veil: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="light of endless water just below the surface in its clearest channel, white is 1",
    )
    backscatter: float = Field(
        default=1.0, gt=0, le=10, description="coefficient of scattered light, in units of K"
    )
    depth: DepthKind = Field(default="ground", description="which synthetic depth")

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images from under water with `depth`, `airlight`, `attenuation`, `transmission`."""
        rows, relative = len(images), depth_map(self.depth, rng, *images.shape[2:])
        metres = relative.to(images) * self.level("range_m")
        fades = images.new_tensor(ATTENUATION[self.water]).view(1, 3, 1, 1)
        from_above = (-fades * self.deep_m).exp()
        through = (-fades * metres).exp()
        veil = self.veil * from_above * (fades.amin() / fades)
        direct = srgb_to_linear(images) * from_above * through
        scattered = veil * (1 - (-self.backscatter * fades * metres).exp())
        side = {
            "depth": metres.float(),
            "airlight": linear_to_srgb(veil).flatten(1).repeat(rows, 1).float(),
            "attenuation": fades.flatten(1).repeat(rows, 1).float(),
            "transmission": through.mean(1, keepdim=True).float(),
        }
        # A sum above white is possible only where backscatter exceeds 1.
        return Degraded(clip(linear_to_srgb(clip(direct + scattered))), side)
