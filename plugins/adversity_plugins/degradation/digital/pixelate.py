"""Pixelation: few pixels, shown large."""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import add
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile
from adversity_plugins.degradation._in_cache import clipped, in_cache

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import SampleRng
    from adversity_plugins.degradation._imagenet_c import Pixels, Values


class Pixelate(ImageNetC):
    """Average over boxes and show each box as one large pixel.

    H and W shrink to whole numbers, `factor` times as large or a little smaller, and grow back.
    Both ways Pillow's box filter is meant: the mean of the whole pixels whose centres lie in
    the box, and back the one box that holds the centre.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (ImageNet-C; severities 1 to 5).
    """

    name: ClassVar[str] = "pixelate"
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = in_the_fast_profile
    levels: ClassVar = {"factor": (0.6, 0.5, 0.4, 0.3, 0.25)}

    factor: float | None = Field(
        default=None, gt=0, le=1, description="size of the small image by that of the large one"
    )

    def _fast(self, images: Tensor, rng: SampleRng) -> Degraded:
        return Degraded(clipped(images, map(self._coarse, in_cache(images))))

    def _coarse(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        small = _shrunk(images, self._few(height)).transpose(2, 3).contiguous()
        small = _shrunk(small, self._few(width))
        # Rows are copied whole, columns are not: both are chosen as rows.
        wide = _grown(small, width).transpose(2, 3).contiguous()
        return _grown(wide, height)

    def _few(self, side: int) -> int:
        """Return how many pixels are left of a side."""
        return max(1, int(side * self.level("factor")))

    def _published(self, pixels: Pixels, draws: np.random.RandomState) -> Values:
        import numpy as np
        from PIL import Image

        height, width, channels = pixels.shape
        small = self._few(width), self._few(height)
        planes = [
            Image.fromarray(pixels[:, :, k])
            .resize(small, Image.Resampling.BOX)
            .resize((width, height), Image.Resampling.BOX)
            for k in range(channels)
        ]
        return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _shrunk(images: Tensor, few: int) -> Tensor:
    """Average rows over `few` boxes."""
    parts = [
        images.index_select(2, at.to(images.device)) * weights.to(images).view(-1, 1)
        for at, weights in _boxes(images.shape[2], few)
    ]
    return reduce(add, parts)


def _grown(images: Tensor, side: int) -> Tensor:
    """Give each of `side` rows the value of its box."""
    return images.index_select(2, _back(side, images.shape[2]).to(images.device))


@lru_cache(maxsize=32)
def _back(side: int, few: int) -> Tensor:
    """Return the box that holds the centre of each row, `[side]`."""
    import torch

    return torch.tensor([int((k + 0.5) * few / side) for k in range(side)])


@lru_cache(maxsize=32)
def _boxes(side: int, few: int) -> list[tuple[Tensor, Tensor]]:
    """Return the first, second, ... row of each box with its weight, 0 where it has none."""
    import torch

    boxes = [_box(number, side / few, side) for number in range(few)]
    return [
        (
            torch.tensor([box[min(step, len(box) - 1)] for box in boxes]),
            torch.tensor([1 / len(box) if step < len(box) else 0.0 for box in boxes]),
        )
        for step in range(max(len(box) for box in boxes))
    ]


def _box(number: int, scale: float, side: int) -> list[int]:
    """Return the pixels whose centres lie in a box, its right edge included."""
    centre, half = (number + 0.5) * scale, 0.5 * scale
    near = range(max(0, int(centre - half + 0.5)), min(side, int(centre + half + 0.5)))
    # By a reciprocal, as Pillow has it: rounding decides where an edge is a centre.
    return [k for k in near if -0.5 < (k - centre + 0.5) * (1 / scale) <= 0.5]
