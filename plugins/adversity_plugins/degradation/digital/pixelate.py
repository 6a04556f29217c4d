"""Pixelation: few pixels, shown large."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Degraded, clip
from adversity_plugins.degradation._imagenet_c import ImageNetC, in_the_fast_profile

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
        for axis in (2, 3):
            images = _shrunk(images, axis, self._few(images.shape[axis]))
        return Degraded(clip(images))

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


def _shrunk(images: Tensor, axis: int, few: int) -> Tensor:
    """Average along an axis over `few` boxes and give each pixel the value of its box."""
    import torch

    side = images.shape[axis]
    boxes = [_box(number, side / few, side) for number in range(few)]
    shape = [-1 if other == axis else 1 for other in range(4)]
    total = torch.zeros((), dtype=images.dtype, device=images.device)
    for step in range(max(len(box) for box in boxes)):
        at = torch.tensor([box[min(step, len(box) - 1)] for box in boxes], device=images.device)
        weights = [1 / len(box) if step < len(box) else 0.0 for box in boxes]
        total = total + images.index_select(axis, at) * images.new_tensor(weights).view(shape)
    back = torch.tensor([int((k + 0.5) * few / side) for k in range(side)], device=images.device)
    return total.index_select(axis, back)


def _box(number: int, scale: float, side: int) -> list[int]:
    """Return the pixels whose centres lie in a box, its right edge included."""
    centre, half = (number + 0.5) * scale, 0.5 * scale
    near = range(max(0, int(centre - half + 0.5)), min(side, int(centre + half + 0.5)))
    # By a reciprocal, as Pillow has it: rounding decides where an edge is a centre.
    return [k for k in near if -0.5 < (k - centre + 0.5) * (1 / scale) <= 0.5]
