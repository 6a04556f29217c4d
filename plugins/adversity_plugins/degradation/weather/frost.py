"""Frost: a photograph of ice crystals over the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Asset, Degraded, ProjectFolder
from adversity.errors import WeightsError
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache
from adversity_plugins.degradation._luma import luma, luma_values
from adversity_plugins.degradation.weather._frost_textures import TEXTURES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class Frost(ImageNetC):
    """Add a random part of a photograph of frost: image_weight x + frost_weight f, cut at 1.

    The photographs are the five that the published code draws from; they come with the package
    `imagecorruptions-imaug` (`pip install "adversity[frost]"`, or of it those files alone:
    `adversity assets fetch degradation/frost`), or are yours, in `textures`.
    One that is not larger than the image is enlarged until it is; at 224 pixels none of the
    published ones is. Grey images get the photograph's luma.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "frost"
    weights_licence: ClassVar[str | None] = "Apache-2.0"
    assets: ClassVar[tuple[Asset, ...]] = (TEXTURES,)
    differentiable: ClassVar[bool] = in_the_fast_profile
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {
        "image_weight": (1.0, 0.8, 0.7, 0.65, 0.6),
        "frost_weight": (0.4, 0.6, 0.7, 0.7, 0.75),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"severity": 3, "textures": "frost"},)

    expected_failures: ClassVar[Mapping[str, str]] = {
        "severity_goes_further": "by ImageNet-C's constants 4 adds as much frost as 3 and keeps "
        "less of the image, which may bring it nearer"
    }

    image_weight: float | None = Field(
        default=None, ge=0, le=1, description="what is left of the image"
    )
    frost_weight: float | None = Field(
        default=None, ge=0, le=1, description="how much of the photograph is added"
    )
    textures: ProjectFolder | None = Field(
        default=None, description="images of frost, instead of the published ones"
    )

    _textures: list[Any] = PrivateAttr(default_factory=list)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two small textures: light bands."""
        import numpy as np
        from PIL import Image

        (folder / "frost").mkdir()
        for number in (1, 2):
            rows, columns = np.mgrid[:96, :128]
            light = 128 + 100 * np.sin(rows / (4 * number) + columns / 9)
            colours = np.stack([light * 0.8, light * 0.9, light], axis=2)
            Image.fromarray(colours.astype(np.uint8)).save(folder / "frost" / f"{number}.png")

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return the published photographs, unless others are given."""
        return type(self).assets if self.textures is None else ()

    def setup(self, device: str) -> None:
        """Read the textures.

        Raises:
            WeightsError: If the published ones are not installed.
            DataError: If those of the folder cannot be read.
        """
        from adversity_plugins.degradation.weather._frost_textures import (
            published_textures,
            textures_in,
        )

        super().setup(device)
        if self.textures is None:
            self._textures = published_textures()
        else:
            paths = [self.textures.path / name for name in self.textures.files()]
            self._textures = textures_in(paths, self.textures.text)

    def _texture(self, number: int, height: int, width: int) -> Values:
        """Return one of the textures, larger than the image."""
        from adversity_plugins.degradation.weather._frost_textures import enlarged

        return enlarged(self._textures[number], height, width)

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        import torch

        self._expect_textures()
        height, width = images.shape[2:]
        numbers = rng.integers(0, len(self._textures)).tolist()
        frost = []
        for number, (down, right) in zip(numbers, rng.uniform((2,)).tolist(), strict=True):
            texture = self._texture(number, height, width)
            top = int(down * (texture.shape[0] - height))
            left = int(right * (texture.shape[1] - width))
            part = torch.tensor(texture[top : top + height, left : left + width])
            frost.append(part.permute(2, 0, 1))
        parts = zip(in_cache(images), in_cache(torch.stack(frost).to(images.device)), strict=True)
        return Degraded(clipped(images, (self._frosted(*part) for part in parts)))

    def _frosted(self, images: Tensor, frost: Tensor) -> Tensor:
        """Lay photographs `[n, 3, H, W]` in 8 bits over images."""
        layer = frost.to(images) / 255
        if images.shape[1] == 1:
            layer = luma(layer)
        return (layer * self.level("frost_weight")).add_(self.level("image_weight") * images)

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np

        self._expect_textures()
        height, width, channels = pixels.shape
        texture = self._texture(draws.randint(len(self._textures)), height, width)
        top = draws.randint(0, texture.shape[0] - height)
        left = draws.randint(0, texture.shape[1] - width)
        layer: Values = texture[top : top + height, left : left + width]
        if channels == 1:
            layer = luma_values(layer.astype(np.float32))
        total = self.level("image_weight") * pixels + self.level("frost_weight") * layer
        return np.clip(total, 0, 255)

    def _expect_textures(self) -> None:
        if not self._textures:
            raise WeightsError("frost: expected its textures, got none; call setup(device)")
