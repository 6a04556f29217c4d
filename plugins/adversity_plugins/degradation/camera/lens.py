"""The faults of a lens: distortion, colour fringes and dark corners, as they were measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import Degradation, Degraded, ProjectFolder, clip
from adversity.errors import DataError
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.optics.lens_profile import Profile

Effect = Literal["distortion", "chromatic", "vignetting"]


class Lens(Degradation):
    """Show the scene through a measured lens: distortion, colour fringes, dark corners.

    With r the distance from the centre of the image, 1 at its corner:

        out(r_d) = encode(V(r_d) in(r_u)),   r_d = T_colour(D(r_u))

    in linear light (sRGB decoded). D is a polynomial, poly3, poly5 or ptlens; T one of red and one
    of blue, linear or poly3, and nothing for green; V = 1 + k1 r^2 + k2 r^4 + k3 r^6 (pa). These
    are lensfun's formulas. Where the scene stands for each pixel is found by Newton's iterations to
    1e-12, and read by cubic convolution. What lies beyond the border repeats it.

    `database` is a folder with XML files as lensfun's, which has 1 172 lenses (Debian: `apt install
    liblensfun-data-v1`, then copy files of /usr/share/lensfun/version_1 into the project; their
    licence is CC-BY-SA-3.0). Between two measured focal lengths coefficients are interpolated
    linearly, where lensfun has a spline. `crop` is the crop factor of the camera, as larger sensors
    see more of what is wrong; the image is taken as a whole one of that sensor.

    Left out: the projection of a fisheye, which stays as it is, and that a lens is soft.

    Side information, for `lens_correction`: `distortion` `[N, 5]`, `chromatic` `[N, 2, 3]` of red and
    blue, `vignetting` `[N, 3]`: the coefficients of rising powers, of r^2 for vignetting, where r is
    1 at the image's corner. They hold for the whole image: not after a crop.

    Reference: lensfun 0.3's documentation (lfDistortionModel, lfTCAModel, lfVignettingModel).
    """

    name: ClassVar[str] = "lens"
    reference: ClassVar[str] = "lensfun 0.3: lfDistortionModel, lfTCAModel, lfVignettingModel"
    differentiable: ClassVar[bool] = True
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"database": "lenses", "lens": "Example 24-70mm f/2.8", "focal": 24, "aperture": 2.8},
        {"database": "lenses", "lens": "Example 24-70mm f/2.8", "focal": 50, "crop": 1.6},
    )

    lens: str = Field(min_length=1, description="model, or maker and model, as the files have it")
    focal: float = Field(gt=0, le=10000, description="focal length in mm")
    database: ProjectFolder = Field(
        description="a folder of the project with XML files as lensfun's"
    )
    aperture: float | None = Field(
        default=None, gt=0, le=100, description="f-number; none: no vignetting"
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
    effects: tuple[Effect, ...] | None = Field(
        default=None, min_length=1, description="what of it; none: all that was measured"
    )

    _profile: Any = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a lens that is none, with every model."""
        from adversity_plugins.optics.lens_files import write_example

        write_example(folder)

    @model_validator(mode="after")
    def _nothing_is_left_unused(self) -> Self:
        if self.effects is not None and ("vignetting" in self.effects) != bool(self.aperture):
            raise ValueError("aperture is for the effect vignetting, which needs it; give both")
        if self.distance is not None and self.aperture is None:
            raise ValueError("distance is for vignetting, which needs aperture; give both")
        return self

    def setup(self, device: str) -> None:
        """Read the lens.

        Raises:
            DataError: If the files have not that lens at that focal length and aperture, or what
                they have cannot be undone.
        """
        from adversity_plugins.optics.measured_lens import measured_lens

        super().setup(device)
        self._profile = measured_lens(
            self.database,
            self.lens,
            focal=self.focal,
            crop=self.crop,
            aperture=self.aperture,
            distance=self.distance,
            effects=self.effects,
        )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images through the lens, with `distortion`, `chromatic` and `vignetting`."""
        import torch

        from adversity_plugins.optics.radial import radii, seen, shade

        lens = self._ready()
        rows, columns, radius, unit = radii(*images.shape[2:])
        scales = torch.stack([_enlarged(lens, colour, radius) for colour in _colours(images)])
        middle = [(length - 1) / 2 for length in images.shape[2:]]
        light = seen(
            srgb_to_linear(images),
            rows * scales * unit + middle[0],
            columns * scales * unit + middle[1],
        )
        left = shade(lens.vignetting, radius).to(images)
        told = {
            "distortion": torch.tensor(lens.distortion),
            "chromatic": torch.tensor((lens.red, lens.blue)),
            "vignetting": torch.tensor(lens.vignetting),
        }
        count = len(images)
        side = {n: one.to(images.device).expand(count, *one.shape) for n, one in told.items()}
        return Degraded(clip(linear_to_srgb(light * left)), side)

    def _ready(self) -> Profile:
        if self._profile is None:
            raise DataError("lens: expected a lens that was read, got none; call setup(device)")
        lens: Profile = self._profile
        return lens


def _colours(images: Tensor) -> tuple[str, ...]:
    """Return the colour of each channel; grey images are green."""
    return ("red", "green", "blue") if images.shape[1] == 3 else ("green",)


def _enlarged(lens: Profile, colour: str, radius: Tensor) -> Tensor:
    """Return by what a pixel's place is multiplied to find its scene, `[H, W]`."""
    import torch

    from adversity_plugins.optics.radial import inverse

    shifts = {"red": lens.red, "blue": lens.blue}.get(colour, (1.0,))
    found = inverse(lens.distortion, inverse(shifts, radius))
    centre = 1 / (lens.distortion[0] * shifts[0])
    return torch.where(radius > 0, found / radius.clamp(min=1e-300), centre)
