"""The colour filter array of a sensor: each pixel sees one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import Degradation, Degraded

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng


class Mosaic(Degradation):
    """Keep of each pixel the one colour that a Bayer filter lets through, as a sensor does.

    `pattern` is the tile of 2 x 2 filters by rows: RGGB has red in the upper left corner, blue in
    the lower right one and green twice. What leaves has three channels still: each pixel has its
    value in the channel of its filter and 0 in the other two. The sum over the channels is the
    image that the sensor gives.

    A value is kept or lost and never changed, so it does not matter whether values are linear light
    or encoded, and noise that is independent in each pixel and channel may come before it:
    `sensor_noise`, then `mosaic`, is the noise of a sensor under its filters.

    Left out: that real filters let neighbouring colours through, and the soft filter that some
    cameras have in front of the mosaic.

    Side information: `pattern` `[N, 2, 2]`, the channel that is seen at each place of the tile:
    0 red, 1 green, 2 blue.

    Reference: Bayer, "Color imaging array", US patent 3 971 065, 1976.
    """

    name: ClassVar[str] = "mosaic"
    reference: ClassVar[str] = "Bayer, Color imaging array, US patent 3971065, 1976"
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True

    pattern: Literal["RGGB", "BGGR", "GRBG", "GBRG"] = Field(
        default="RGGB", description="the filters of the tile of 2 x 2 pixels, row by row"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images in which each pixel has one colour, and their `pattern`."""
        import torch

        tile = torch.tensor(["RGB".index(colour) for colour in self.pattern]).view(2, 2)
        rows, columns = (torch.arange(length) % 2 for length in images.shape[2:])
        seen = tile[rows[:, None], columns]
        kept = torch.arange(3).view(3, 1, 1) == seen
        told = tile.to(images.device).float().expand(len(images), 2, 2)
        return Degraded(images * kept.to(images), {"pattern": told})
