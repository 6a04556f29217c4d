"""What a model takes: images of [0, 1] in their own size, and what the model wants of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["ChannelOrder", "Layout", "ModelInput", "PixelRange", "Resize", "scale_faults"]

ChannelOrder = Literal["rgb", "bgr", "grey"]
Layout = Literal["nchw", "nhwc"]
PixelRange = Literal["0..1", "0..255"]
Resize = Literal["crop", "stretch"]

LUMA = (0.299, 0.587, 0.114)
"""Grey from red, green and blue, ITU-R BT.601, as Pillow does it."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """How images are prepared for a model, differentiably.

    Attributes:
        size: Height and width; None, and images go in as they are.
        resize: `crop`: the shorter side to the size, then the centre; `stretch`: the whole image.
        channel_order: What the model's channels are.
        layout: Where they stand.
        pixel_range: Of its pixels before `mean` is taken off.
        mean, std: On that range, in the model's order of channels.
    """

    size: tuple[int, int] | None
    resize: Resize
    channel_order: ChannelOrder
    layout: Layout
    pixel_range: PixelRange
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def span(self) -> float:
        """How far 0 and 1 of an image lie from each other in what goes into the model."""
        return (255 if self.pixel_range == "0..255" else 1) / max(self.std)

    def prepared(self, images: Tensor) -> Tensor:
        """Return what goes into the model.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1], C = 1 or 3.
        """
        images = self._ordered(self._sized(images))
        if self.pixel_range == "0..255":
            images = images * 255
        if any(self.mean) or any(value != 1 for value in self.std):
            mean = images.new_tensor(self.mean).view(1, -1, 1, 1)
            std = images.new_tensor(self.std).view(1, -1, 1, 1)
            images = (images - mean) / std
        return images.permute(0, 2, 3, 1).contiguous() if self.layout == "nhwc" else images

    def _sized(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import stretch

        if self.size is None or tuple(images.shape[-2:]) == self.size:
            return images
        if self.resize == "stretch":
            return stretch(images, *self.size)
        height, width = images.shape[-2:]
        scale = max(self.size[0] / height, self.size[1] / width)
        # The shorter side exactly, the other rounded down, as torchvision does it.
        tall = max(self.size[0], int(height * scale + 1e-6))
        wide = max(self.size[1], int(width * scale + 1e-6))
        images = stretch(images, tall, wide)
        top, left = round((tall - self.size[0]) / 2), round((wide - self.size[1]) / 2)
        return images[..., top : top + self.size[0], left : left + self.size[1]]

    def _ordered(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import to_rgb

        if self.channel_order == "grey":
            if images.shape[1] == 1:
                return images
            return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        images = to_rgb(images)
        return images.flip(1) if self.channel_order == "bgr" else images

    def described(self) -> dict[str, Any]:
        """Return it for the report."""
        sized = {"size": list(self.size), "resize": self.resize} if self.size else {"size": "any"}
        return {
            **sized,
            "pixel_range": self.pixel_range,
            "mean": list(self.mean),
            "std": list(self.std),
            "channel_order": self.channel_order,
            "layout": self.layout,
        }


def scale_faults(pixel_range: PixelRange, **given: Sequence[float] | None) -> str | None:
    """Say why a mean or deviation is not that of pixels in this range, or None.

    Args:
        pixel_range: What they must be on.
        given: `mean` and `std`, as far as users gave them.
    """
    faults = (_scale_fault(pixel_range, name, values) for name, values in given.items() if values)
    return next(filter(None, faults), None)


def _scale_fault(pixel_range: PixelRange, name: str, values: Sequence[float]) -> str | None:
    if name == "std" and min(values) <= 0:
        return f"std must be positive, got {list(values)}"
    expected = f"{name}: expected that of pixels in {pixel_range.replace('..', ' to ')}"
    if min(values) < 0:
        return f"{expected}, got {list(values)}; it is subtracted: write it without the sign"
    if pixel_range == "0..1" and max(values) > 1:
        scaled = ", ".join(f"{value:g}/255" for value in values)
        return (
            f"{expected}, got {list(values)}; write [{scaled}], or `pixel_range: 0..255` if the "
            "model takes such pixels"
        )
    if pixel_range == "0..255" and name == "mean" and max(values) > 255:
        return f"{expected}, got {list(values)}; give the mean of the pixels"
    # A deviation of 1 leaves pixels of 0 to 255 as they are; one below is of pixels to 1.
    small = 0 < max(values) <= 1 if name == "mean" else max(values) < 1
    if pixel_range == "0..255" and small:
        return (
            f"{expected}, got {list(values)}; multiply mean and std by 255, or leave `pixel_range` "
            "at 0..1"
        )
    return None
