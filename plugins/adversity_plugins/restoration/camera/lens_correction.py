"""The faults of a lens taken back: distortion, colour fringes, dark corners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

_Three = tuple[float, float, float]
_CORNER = 3.25**0.5
"""Of a sensor of 3:2, in lensfun's unit, half its height: for the example."""


class LensCorrection(Restoration):
    """Take back distortion, colour fringes and dark corners that a lens is known to make.

        out(r_u) = encode(in(r_d) / V(r_d)),   r_d = T_colour(D(r_u))

    in linear light (sRGB decoded), with r the distance from the image's centre, 1 at its corner,
    D = r (d_0 + d_1 r + ... + d_4 r^4), T = r (v + c r + b r^2) of red and of blue, and
    V = 1 + k_1 r^2 + k_2 r^4 + k_3 r^6: lensfun's models, in its order: light first, then places.
    D and T say where the lens puts things, so that nothing must be inverted here; `lens` finds
    the inverse by Newton's iterations. Values between pixels are read by cubic convolution. What
    the lens put beyond the image is gone: there the border is repeated. What was cut off at white
    stays cut off.

    Needs `distortion` `[N, 5]`, `chromatic` `[N, 2, 3]` (v, c, b of red, then of blue) and
    `vignetting` `[N, 3]`, which `lens` tells; for photos they are parameters. lensfun's
    coefficients, whose r is 1 half the image's height from its centre, become these when that of
    r^i is multiplied by q^i, q = 1.803 for images of 3:2, 1.667 for 4:3; those of vignetting stay.

    Reference: lensfun 0.3's documentation (lfDistortionModel, lfTCAModel, lfVignettingModel).
    """

    name: ClassVar[str] = "lens_correction"
    reference: ClassVar[str] = "lensfun 0.3: lfDistortionModel, lfTCAModel, lfVignettingModel"
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("distortion", "chromatic", "vignetting")
    restores: ClassVar[tuple[str, ...]] = ("lens",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "distortion": (1.04, 0.01 * _CORNER, -0.07 * _CORNER**2, 0.02 * _CORNER**3, 0.0),
            "chromatic": (
                (1.002, 0.0, 0.001 * _CORNER**2),
                (0.998, 0.0, -0.001 * _CORNER**2),
            ),
            "vignetting": (-0.6, -0.2, 0.1),
        },
    )

    distortion: tuple[float, float, float, float, float] | None = Field(
        default=None, description="d_0 to d_4; 1, 0, 0, 0, 0 is none; none: told"
    )
    chromatic: tuple[_Three, _Three] | None = Field(
        default=None, description="v, c, b of red and of blue; 1, 0, 0 is none; none: told"
    )
    vignetting: _Three | None = Field(
        default=None, description="k_1 to k_3; 0, 0, 0 is none; none: told"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images as a lens without faults would have made them.

        Raises:
            ValueError: If vignetting leaves no light somewhere in the image.
        """
        import torch

        from adversity_plugins.restoration.camera import _through_lens as through

        channels, height, width = images.shape[1:]
        rows = []
        for row, image in enumerate(images):
            left = through.shade(needs["vignetting"][row], height, width)
            if float(left.min()) <= 0:
                raise ValueError(
                    "expected vignetting that leaves light everywhere, got "
                    f"{needs['vignetting'][row].tolist()}, a factor of {float(left.min()):.3f} "
                    "somewhere; look at its signs and units"
                )
            light = through.to_light(image[None]) / left.to(image)
            places = through.places(
                needs["distortion"][row], needs["chromatic"][row], height, width, channels
            )
            rows.append(clip(through.to_image(through.seen(light, *places))))
        return torch.cat(rows)
