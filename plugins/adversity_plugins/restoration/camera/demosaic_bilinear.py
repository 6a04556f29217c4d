"""Demosaicing by bilinear interpolation: what every other method is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Restoration, clip
from adversity_plugins.restoration.camera._bayer import Pattern

if TYPE_CHECKING:
    from torch import Tensor

_CORNERS = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
_BESIDE = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
"""Green stands on a lattice turned by 45 degrees: its neighbours are beside, not at the corners."""


class DemosaicBilinear(Restoration):
    """Fill in the colours that a Bayer sensor did not see, by the mean of those beside.

    Missing green is the mean of the four neighbours above, below, left and right; missing red
    and blue are the mean of the two or four nearest pixels that saw them. What the sensor saw
    comes back as it is. It is linear in the image. At the border the mean is over those
    neighbours that are in the image. Fine stripes get false colours.

    The mosaic has each pixel's value in the channel of its filter, as `mosaic` leaves it; what
    stands in the other two channels is not looked at. In an image one pixel high or wide a colour
    that no pixel saw stays 0.

    Needs `pattern`, which `mosaic` tells; for a mosaic that comes as it is it is a parameter.

    Reference: Gunturk, Glotzbach, Altunbasak, Schafer, Mersereau, "Demosaicking: color filter
    array interpolation", 2005 (a survey).
    """

    name: ClassVar[str] = "demosaic_bilinear"
    reference: ClassVar[str] = (
        "Gunturk, Glotzbach, Altunbasak, Schafer, Mersereau, Demosaicking: color filter array "
        "interpolation, 2005"
    )
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    restores: ClassVar[tuple[str, ...]] = ("mosaic",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"pattern": "RGGB"},)

    pattern: Pattern | None = Field(
        default=None, description="RGGB, BGGR, GRBG or GBRG, the tile row by row; none: told"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, 3, H, W]` with all colours in each pixel.

        Raises:
            ValueError: If the pattern is not Bayer's.
        """
        import torch
        from torch.nn.functional import conv2d

        from adversity_plugins.restoration.camera._bayer import kept

        values, where = kept(images, needs["pattern"])
        kernels = images.new_tensor([_CORNERS, _BESIDE, _CORNERS])[:, None]
        total = conv2d(values, kernels, padding=1, groups=3)
        count = conv2d(where.to(images), kernels, padding=1, groups=3)
        mean = total / torch.where(count > 0, count, 1)
        return clip(torch.where(where, values, mean))
