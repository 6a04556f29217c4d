"""Wrong exposure: too much light or too little reached the sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded, clip
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class Exposure(Degradation):
    """Expose longer or shorter by a number of stops; what exceeds white is cut off.

        out = encode(min(1, L 2 ** stops)),    2 ** -stops if `under`

    with L the linear light (sRGB decoded). One stop up doubles the light, one down halves it.
    Over-exposed highlights are lost for good. Noise is not in it: for darkness as a sensor sees it
    take `low_light`.

    The severities are ours: 0.5, 1, 1.5, 2 and 3 stops.

    Side information: `gain` `[N]`, what the light was multiplied by.

    Reference: IEC 61966-2-1, "Default RGB colour space - sRGB", 1999.
    """

    name: ClassVar[str] = "exposure"
    reference: ClassVar[str] = "IEC 61966-2-1, 1999"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = True
    levels: ClassVar = {"stops": (0.5, 1.0, 1.5, 2.0, 3.0)}

    stops: float | None = Field(
        default=None, ge=0, le=10, description="how much more light, or less, as powers of 2"
    )
    under: bool = Field(default=False, description="too little light in place of too much")

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images of another exposure and their `gain`; `rng` is not used."""
        gain = 2.0 ** (-self.level("stops") if self.under else self.level("stops"))
        light = clip(srgb_to_linear(images) * gain)
        return Degraded(
            clip(linear_to_srgb(light)), {"gain": images.new_full((len(images),), gain).float()}
        )
