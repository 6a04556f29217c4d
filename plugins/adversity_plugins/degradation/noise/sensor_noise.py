"""Noise of a camera's sensor: photons and electronics, in linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import Asset, Degradation, ProjectFile
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_OF_A_CAMERA = ("camera", "iso", "profiles")
_FILE = "usr/share/darktable/noiseprofiles.json"
_PROFILES = Asset(
    registry="debian",
    package="darktable",
    version="4.2.1-4",
    licence="GPL-3.0-or-later",
    files={_FILE: "f4d40cb334bf850dcf45e5e9e574df774e83445e1138db70961d78e4d46b814f"},
    size=6_337_132,
    use="measured noise of cameras",
)


class SensorNoise(Degradation):
    """Add a sensor's noise in linear light: its variance is a L + b.

        out = encode(clip(L + sqrt(max(0, a L + b)) n)),   n ~ Normal(0, 1)

    with L the linear light (sRGB decoded), 0 black and 1 white; a comes from counting photons, b
    from the electronics. `a` and `b` are numbers of your own, those of a `severity`, or measured
    ones: `camera` and `iso`, of those that darktable has measured (374 cameras; GPL-3+, `adversity
    assets fetch degradation/sensor_noise`, 6 MB from Debian), or of another such file, `profiles`.
    Grey images get the noise of green. A measured b may be below 0, where black
    was subtracted: then there is no noise in the very dark.

    Left out: the mosaic of colours, white balance, what a camera does afterwards. The
    normal distribution stands for that of counts, as in the reference; below some ten photons it
    is too symmetric: `low_light` counts them.

    The severities are ours: 1 to 3 are the median over darktable 4.2's cameras, green, at ISO 1 600,
    6 400 and 25 600; 4 and 5 are 8 and 64 times as much as 3.

    Reference: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise modeling
    and fitting for single-image raw-data", 2008.
    """

    name: ClassVar[str] = "sensor_noise"
    reference: ClassVar[str] = (
        "Foi, Trimeche, Katkovnik, Egiazarian, Practical Poissonian-Gaussian noise modeling "
        "and fitting for single-image raw-data, 2008"
    )
    assets: ClassVar[tuple[Asset, ...]] = (_PROFILES,)
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "a": (3.7e-5, 1.4e-4, 4.2e-4, 3.4e-3, 2.7e-2),
        "b": (1.2e-7, 7.8e-7, 3.7e-6, 3.0e-5, 2.4e-4),
    }
    a: float | None = Field(
        default=None, ge=0, le=1, description="variance at white, of what photons add"
    )
    b: float | None = Field(default=None, ge=0, le=1, description="variance at black")
    camera: str | None = Field(
        default=None, min_length=1, description="maker and model, as the file has them"
    )
    iso: int | None = Field(default=None, ge=1, description="of that camera")
    profiles: ProjectFile | None = Field(
        default=None, description="a file of measured noise in the project; none: darktable's own"
    )

    _line: tuple[tuple[float, ...], tuple[float, ...]] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_way_to_say_how_much(self) -> Self:
        """A severity, two numbers, or a camera: one of them, whole."""
        ways = [["severity"], ["a", "b"], list(_OF_A_CAMERA)]
        given = [[name for name in way if getattr(self, name) is not None] for way in ways]
        some = [way for way in given if way]
        if not some:
            raise ValueError(f"give severity (1 to 5), or a and b, or {', '.join(_OF_A_CAMERA)}")
        if len(some) > 1:
            raise ValueError(f"{some[0][0]} excludes {', '.join(some[1])}; give one or the other")
        needed = [name for name in ways[given.index(some[0])] if name != "profiles"]
        missing = [name for name in needed if name not in some[0]]
        if missing:
            raise ValueError(f"{', '.join(some[0])} without {', '.join(missing)}; give all of them")
        return self

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return darktable's file, if a camera is named and no other file."""
        return type(self).assets if self.camera is not None and self.profiles is None else ()

    def setup(self, device: str) -> None:
        """Read the camera's noise.

        Raises:
            DataError: If the file has not that camera and ISO.
            WeightsError: If darktable's file is needed and not here.
        """
        super().setup(device)
        if self.camera is None or self.iso is None:
            return
        from adversity_plugins.degradation.noise._camera_profiles import profile_of

        if self.profiles is not None:
            path, file = self.profiles.path, str(self.profiles)
        else:
            path, file = _PROFILES.path(_FILE, "degradation/sensor_noise"), _FILE
        self._line = profile_of(path, file, self.camera, self.iso)

    def line(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return a and b, each for red, green and blue."""
        if self._line is not None:
            return self._line
        return (self.level("a"),) * 3, (self.level("b"),) * 3

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return images as the sensor would have taken them."""
        a, b = (
            images.new_tensor(values if images.shape[1] == 3 else values[1:2]).view(1, -1, 1, 1)
            for values in self.line()
        )
        light = srgb_to_linear(images)
        deviation = (a * light + b).clamp(min=0).sqrt()
        noise = rng.normal(images.shape[1:]).to(images)
        return linear_to_srgb((light + deviation * noise).clamp(0, 1)).clamp(0, 1)
