"""What the corruptions of ImageNet-C have in common: two profiles of one thing.

Constants and formulas are those of the published generation code
(github.com/hendrycks/robustness, ImageNet-C/create_c/make_imagenet_c.py, commit e0377d4,
Apache-2.0); the code here is ours.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, cast

from pydantic import Field, model_validator

from adversity import Degradation, Degraded

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from adversity import SampleRng

    Pixels: TypeAlias = NDArray[np.uint8]
    Values: TypeAlias = Any  # an array: NumPy's stubs say no more of what functions return

__all__ = ["ImageNetC", "in_the_fast_profile"]


class _InTheFastProfile:
    """A claim that holds of the class and of plugins in the profile `fast`."""

    def __get__(self, plugin: ImageNetC | None, owner: type) -> bool:
        return plugin is None or plugin.profile == "fast"


in_the_fast_profile = cast("bool", _InTheFastProfile())
"""`differentiable = in_the_fast_profile`: 8-bit values have no gradient."""


class ImageNetC(Degradation):
    """A corruption of ImageNet-C, in two profiles.

    `fast`: float32 in and out, nothing is quantised, any size and device; the random numbers
    are the samples' own. `reference`: what the published code makes of the image rounded to 8
    bits, its last cast by truncation included, which darkens by half a grey level on average;
    random numbers are NumPy's legacy stream, seeded for each sample from its own stream.
    """

    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common "
        "corruptions and perturbations, 2019"
    )

    profile: Literal["fast", "reference"] = Field(
        default="fast",
        description="fast: float32, no quantisation; reference: the published code's 8-bit values",
    )
    jpeg_roundtrip: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="store as JPEG of this quality, as the published files are (85); only with "
        "profile: reference",
    )

    @model_validator(mode="after")
    def _files_are_of_the_reference(self) -> Self:
        if self.jpeg_roundtrip is not None and self.profile == "fast":
            raise ValueError(
                "jpeg_roundtrip is for 8-bit values, got profile fast; add profile: reference"
            )
        return self

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return the class's channels; a JPEG file has one or three."""
        return self.image_channels if self.jpeg_roundtrip is None else self.image_channels or (1, 3)

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return degraded images, with what the corruption tells of itself."""
        if self.profile == "fast":
            return self._fast(images, rng)
        return self._as_published(images, rng)

    @abstractmethod
    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Degrade `[N, C, H, W]` in floating point."""

    @abstractmethod
    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        """Return what the published code makes of one image.

        Args:
            pixels: `[H, W, C]` uint8.
            draws: The legacy stream, in which every draw has its place.

        Returns:
            `[H, W, C]` in [0, 255], before the cast to 8 bits.
        """

    def _told(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return side information that follows from the parameters alone."""
        return {}

    def _as_published(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Run the published computation image by image."""
        import numpy as np
        import torch

        seeds = rng.seeds() if self.stochastic else np.zeros(len(images), np.uint32)
        pixels = (images.detach() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        worse = [
            self._stored(self._published(np.ascontiguousarray(image), _legacy(int(seed))))
            for image, seed in zip(pixels, seeds, strict=True)
        ]
        values = torch.from_numpy(np.stack(worse)).permute(0, 3, 1, 2).contiguous().to(images)
        return Degraded(values / 255, self._told(images))

    def _stored(self, values: Values) -> Pixels:
        """Cut to 8 bits by truncation, and read back from a JPEG file, if one is asked for."""
        import numpy as np

        pixels = np.asarray(values).astype(np.uint8)
        if self.jpeg_roundtrip is None:
            return pixels
        from adversity_plugins.degradation.digital._jpeg import through_jpeg

        return through_jpeg(pixels, self.jpeg_roundtrip, optimize=True)


def _legacy(seed: int) -> np.random.RandomState:
    """Open the stream that `np.random.seed(seed)` opens."""
    import numpy as np

    return np.random.RandomState(seed)
