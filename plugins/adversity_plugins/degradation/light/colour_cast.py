"""A colour cast: light of another colour temperature than the camera was set to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, clip
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

_NEUTRAL_K = 6504.0
"""sRGB's white, D65."""
_FROM_XYZ = (
    (3.2406255, -1.537208, -0.4986286),
    (-0.9689307, 1.8757561, 0.0415175),
    (0.0557101, -0.2040211, 1.0569959),
)


class ColourCast(Degradation):
    """Show the scene under light of another colour temperature, the white balance as it was.

    In linear light each channel is multiplied by what a white thing sends under the new light,
    relative to D65, scaled so that luminance stays the same:

        out_c = encode(min(1, L_c w_c(T) / w_c(6504 K)))

    with w_c the red, green and blue of the light at T: daylight of the CIE from 4000 K up, below
    it a black body, by the fit of Kim et al. Below 6504 K the cast is warm, above it cold. This is
    von Kries' model in the camera's channels: it knows no spectra, so lamps of a few lines are not
    in it. An image of one channel is refused.

    The severities are ours: daylight of the late afternoon, halogen, lamps, candles, at 5000,
    4000, 3200, 2700 and 2200 K.

    Reference: Kim, Lee, Kang, Hong, Kim, "Color temperature conversion system and method using the
    same", 2006 (black body); CIE 15, "Colorimetry", 2004 (daylight); IEC 61966-2-1, 1999.
    """

    name: ClassVar[str] = "colour_cast"
    reference: ClassVar[str] = "CIE 15, Colorimetry, 2004; IEC 61966-2-1, 1999"
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True
    levels: ClassVar = {"kelvin": (5000, 4000, 3200, 2700, 2200)}

    kelvin: float | None = Field(
        default=None, ge=1900, le=25_000, description="colour temperature of the light"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return images with a cast; `rng` is not used."""
        gains = images.new_tensor(gains_of(self.level("kelvin"))).view(1, 3, 1, 1)
        return clip(linear_to_srgb(clip(srgb_to_linear(images) * gains)))


def gains_of(kelvin: float) -> tuple[float, float, float]:
    """Return what red, green and blue are multiplied by in linear light; their luminance is 1."""
    lit, neutral = _white(kelvin), _white(_NEUTRAL_K)
    red, green, blue = (a / b for a, b in zip(lit, neutral, strict=True))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return red / luminance, green / luminance, blue / luminance


def chromaticity(kelvin: float) -> tuple[float, float]:
    """Return CIE x and y of light of a colour temperature."""
    if kelvin < 4000:
        return _black_body(kelvin)
    k = 1000 / kelvin
    if kelvin <= 7000:
        x = 0.244063 + 0.09911 * k + 2.9678 * k**2 - 4.6070 * k**3
    else:
        x = 0.237040 + 0.24748 * k + 1.9018 * k**2 - 2.0064 * k**3
    return x, -3.0 * x**2 + 2.870 * x - 0.275


def _black_body(kelvin: float) -> tuple[float, float]:
    """Return x and y of a black body between 1667 and 4000 K."""
    k = 1000 / kelvin
    x = 0.179910 + 0.8776956 * k - 0.2343589 * k**2 - 0.2661239 * k**3
    if kelvin <= 2222:
        y = -0.20219683 + 2.18555832 * x - 1.34811020 * x**2 - 1.1063814 * x**3
    else:
        y = -0.16748867 + 2.09137015 * x - 1.37418593 * x**2 - 0.9549476 * x**3
    return x, y


def _white(kelvin: float) -> tuple[float, ...]:
    """Return linear red, green and blue of the light at luminance 1; never below a hundredth."""
    x, y = chromaticity(kelvin)
    tristimulus = (x / y, 1.0, (1 - x - y) / y)
    values = (
        sum(weight * value for weight, value in zip(row, tristimulus, strict=True))
        for row in _FROM_XYZ
    )
    return tuple(max(value, 0.01) for value in values)
