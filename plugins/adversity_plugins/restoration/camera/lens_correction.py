"""The faults of a lens taken back: distortion, colour fringes, dark corners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import ProjectFolder, Restoration, clip

if TYPE_CHECKING:
    from pathlib import Path

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
    `vignetting` `[N, 3]`. The degradation `lens` tells them. For photos, name the lens: `lens`,
    `focal` and a `database` with lensfun's files, as for the degradation; the images are whole ones
    of that sensor. Or give the numbers. lensfun's coefficients, whose r is 1 half the image's height
    from its centre, become these when that of r^i is multiplied by q^i, q = 1.803 for images of 3:2,
    1.667 for 4:3; those of vignetting stay.

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
        {"database": "lenses", "lens": "Example 24-70mm f/2.8", "focal": 24, "aperture": 2.8},
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
    lens: str | None = Field(
        default=None,
        min_length=1,
        description="model, or maker and model, as the files have it; none: numbers are given or told",
    )
    focal: float | None = Field(default=None, gt=0, le=10000, description="its focal length in mm")
    database: ProjectFolder | None = Field(
        default=None, description="a folder of the project with XML files as lensfun's"
    )
    aperture: float | None = Field(
        default=None, gt=0, le=100, description="its f-number; none: vignetting stays"
    )
    distance: float | None = Field(
        default=None, gt=0, description="of the scene in m, for vignetting; none: far away"
    )
    crop: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="crop factor of the camera; none: of the largest sensor that was measured",
    )

    _named: Any = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a lens that is none, with every model."""
        from adversity_plugins.optics.lens_files import write_example

        write_example(folder)

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        named = {"lens": self.lens, "focal": self.focal, "database": self.database}
        more = {"aperture": self.aperture, "distance": self.distance, "crop": self.crop}
        lacking = [name for name, value in named.items() if value is None]
        if len(lacking) < len(named) and lacking:
            raise ValueError(
                f"expected lens, focal and database together, got none for {', '.join(lacking)}"
            )
        given = [name for name, value in more.items() if value is not None]
        if lacking and given:
            raise ValueError(
                f"{', '.join(given)}: of a lens by name; give lens, focal and database"
            )
        numbers = [name for name in self.needs if getattr(self, name) is not None]
        if numbers and not lacking:
            raise ValueError(f"expected a lens by name or numbers, got both: {', '.join(numbers)}")
        if self.distance is not None and self.aperture is None:
            raise ValueError("distance is for vignetting, which needs aperture; give both")
        return self

    def setup(self, device: str) -> None:
        """Read the lens, where it is named.

        Raises:
            DataError: If the files have not that lens at that focal length and aperture, or what
                they have cannot be undone.
        """
        super().setup(device)
        if self.lens is None or self.focal is None or self.database is None:
            return
        import torch

        from adversity_plugins.optics.measured_lens import measured_lens

        found = measured_lens(
            self.database,
            self.lens,
            focal=self.focal,
            crop=self.crop,
            aperture=self.aperture,
            distance=self.distance,
            effects=None,
        )
        self._named = {
            "distortion": torch.tensor(found.distortion),
            "chromatic": torch.tensor((found.red, found.blue)),
            "vignetting": torch.tensor(found.vignetting),
        }

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return what the named lens does, for each image; nothing where none is named."""
        named: Mapping[str, Tensor] = self._named or {}
        return {
            name: one.to(images.device).expand(len(images), *one.shape)
            for name, one in named.items()
        }

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images as a lens without faults would have made them.

        Raises:
            ValueError: If vignetting leaves no light somewhere in the image, or a lens is named and
                another one was told.
        """
        import torch

        from adversity_plugins.optics.radial import seen
        from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear
        from adversity_plugins.restoration.camera._lens_places import light_left, places

        self._require_the_named(needs)
        channels, height, width = images.shape[1:]
        rows = []
        for row, image in enumerate(images):
            left = light_left(needs["vignetting"][row].double().cpu(), height, width)
            if float(left.min()) <= 0:
                raise ValueError(
                    "expected vignetting that leaves light everywhere, got "
                    f"{needs['vignetting'][row].tolist()}, a factor of {float(left.min()):.3f} "
                    "somewhere; look at its signs and units"
                )
            light = srgb_to_linear(image[None]) / left.to(image)
            at = places(
                needs["distortion"][row].double().cpu(),
                needs["chromatic"][row].double().cpu(),
                height,
                width,
                channels,
            )
            rows.append(clip(linear_to_srgb(seen(light, *at))))
        return torch.cat(rows)

    def _require_the_named(self, needs: Mapping[str, Tensor]) -> None:
        import torch

        for name, own in (self._named or {}).items():
            told = needs[name].cpu()
            if not torch.allclose(told.double(), own.double().expand_as(told), atol=1e-6, rtol=0):
                raise ValueError(
                    f"expected the {name} of {self.lens} at {self.focal:g} mm, got another one that "
                    "a step before told; leave out the name, or that step's lens"
                )
