"""Few levels: smooth areas fall into bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degradation, Degraded

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng

__all__ = ["Posterize"]


class Posterize(Degradation):
    """Round every value to the nearest of a few levels, so that smooth areas fall into bands.

    What cheap sensors, displays of few bits and strong palettes do. The levels are evenly spaced,
    black and white among them, each channel by itself; nothing is dithered. Rounded to m levels no
    value moves farther than 1 / (2 (m - 1)), and the error is nearly uniform as long as the image is
    busy (`uniform_noise` is that error without bands). The severities are ours: 32, 16, 8, 5 and 3
    levels. The operation of the same name that policies of augmentation have cuts bits off, which
    darkens; rounding does not.

    Reference: Bennett, "Spectra of quantized signals", Bell System Technical Journal, 1948.
    """

    name: ClassVar[str] = "posterize"
    reference: ClassVar[str] = "Bennett, Spectra of quantized signals, 1948"
    image_channels: ClassVar[None] = None
    levels: ClassVar = {"tones": (32, 16, 8, 5, 3)}

    tones: int | None = Field(
        default=None, ge=2, le=65536, description="how many levels each channel has"
    )

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return images of `tones` values in each channel."""
        steps = int(self.level("tones")) - 1
        return Degraded((images * steps).round() / steps)
