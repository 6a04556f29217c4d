"""The generator of DeblurGAN-v2, with MobileNet-V2 here: a plain module without any policy.

Reference: Kupyn, Martyniuk, Wu, Wang, "DeblurGAN-v2: Deblurring (orders-of-magnitude) faster and
better", 2019, section 3; Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted residuals
and linear bottlenecks", 2018, table 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from adversity_plugins.restoration.deblur._inception_network import inception_levels
from adversity_plugins.restoration.deblur._own_statistics import OwnStatistics

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DeblurGANNetwork"]

_STEM = 32
_ROWS = (  # expansion, channels, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
)
_LEVELS = (2, 4, 7, 11, 16)
"""The pyramid takes the features after so many layers, the first convolution among them."""


def _convolved(given: int, channels: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(given, channels, size, stride, size // 2, groups=groups, bias=False)


class _Inverted(nn.Module):
    """Widen, convolve each channel by itself, narrow; beside a shortcut where shapes are the same."""

    def __init__(self, given: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = given * expansion
        widened: list[nn.Module] = [
            _convolved(given, inner, 1),
            OwnStatistics(inner, affine=True),
            nn.ReLU6(),
        ]
        self.conv = nn.Sequential(
            *(widened if expansion > 1 else []),
            _convolved(inner, inner, 3, stride, groups=inner),
            OwnStatistics(inner, affine=True),
            nn.ReLU6(),
            _convolved(inner, channels, 1),
            OwnStatistics(channels, affine=True),
        )
        self.shortcut = stride == 1 and given == channels

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.conv(images)
        return images + answer if self.shortcut else answer


def _mobilenet_levels() -> list[nn.Module]:
    first = nn.Sequential(_convolved(3, _STEM, 3, 2), OwnStatistics(_STEM, affine=True), nn.ReLU6())
    layers: list[nn.Module] = [first]
    given = _STEM
    for expansion, channels, blocks, stride in _ROWS:
        for number in range(blocks):
            step = stride if number == 0 else 1
            layers.append(_Inverted(given, channels, step, expansion))
            given = channels
    starts = (0, *_LEVELS[:-1])
    return [nn.Sequential(*layers[start:end]) for start, end in zip(starts, _LEVELS, strict=True)]


@dataclass(frozen=True)
class _Backbone:
    levels: Callable[[], list[nn.Module]]
    """Features at five sizes, of 1/2 to 1/32."""
    wide: tuple[int, ...]
    """Channels there."""
    borders: tuple[tuple[int, int], ...] = ((0, 0),) * 5
    """What they lack to that size before and after, which is mirrored."""


_BACKBONES = {
    "mobilenet": _Backbone(_mobilenet_levels, (16, 24, 32, 64, 160)),
    "inception": _Backbone(
        inception_levels, (32, 64, 192, 1088, 2080), ((0, 1), (1, 1), (1, 2), (1, 1), (1, 1))
    ),
}


def _smoothed(given: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, channels, 3, padding=1), OwnStatistics(channels, affine=False), nn.ReLU()
    )


def _larger(images: Tensor, times: int = 2) -> Tensor:
    return functional.interpolate(images, scale_factor=times, mode="nearest")


def _bordered(images: Tensor, before: int, after: int) -> Tensor:
    """Mirror so many rows and columns, the border once, as torch's `reflect` does.

    Pixels are picked, since the gradient of that one is not the same twice on CUDA.
    """
    if before == after == 0:
        return images
    for axis in (2, 3):
        length = images.shape[axis]
        place = torch.arange(-before, length + after, device=images.device).abs()
        images = images.index_select(axis, torch.minimum(place, 2 * (length - 1) - place))
    return images


class _Pyramid(nn.Module):
    """Features at five sizes, each joined with the next smaller one."""

    def __init__(self, channels: int, backbone: _Backbone) -> None:
        super().__init__()
        self.borders = backbone.borders
        for level, (layers, given) in enumerate(zip(backbone.levels(), backbone.wide, strict=True)):
            self.add_module(f"enc{level}", layers)
            wide = channels if level else channels // 2
            self.add_module(f"lateral{level}", _convolved(given, wide, 1))
        for number in (1, 2, 3):
            self.add_module(f"td{number}", _smoothed(channels, channels))

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = []
        for level, border in enumerate(self.borders):
            images = self.get_submodule(f"enc{level}")(images)
            maps.append(_bordered(self.get_submodule(f"lateral{level}")(images), *border))
        for number, level in enumerate((3, 2, 1), 1):
            maps[level] = self.get_submodule(f"td{number}")(maps[level] + _larger(maps[level + 1]))
        return maps


class _Head(nn.Module):
    def __init__(self, given: int, channels: int) -> None:
        super().__init__()
        self.block0 = _convolved(given, channels, 3)
        self.block1 = _convolved(channels, channels, 3)

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.block1(functional.relu(self.block0(images))))


class DeblurGANNetwork(nn.Module):
    """Add to the image what a pyramid of its features says; names are those of the authors' files."""

    def __init__(self, channels: int, backbone: Literal["mobilenet", "inception"]) -> None:
        """Take the channels of the heads; the pyramid has twice as many."""
        super().__init__()
        self.fpn = _Pyramid(2 * channels, _BACKBONES[backbone])
        for level in range(1, 5):
            self.add_module(f"head{level}", _Head(2 * channels, channels))
        self.smooth = _smoothed(4 * channels, channels)
        self.smooth2 = _smoothed(channels, channels // 2)
        self.final = nn.Conv2d(channels // 2, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return sharp images, not limited.

        Args:
            images: `[N, 3, H, W]` in [-1, 1], H and W multiples of 32; with Inception-ResNet-v2
                128 at least, since less leaves the smallest level nothing to mirror.
        """
        maps = self.fpn(images)
        heads = [
            _larger(self.get_submodule(f"head{level}")(maps[level]), 2 ** (level - 1))
            for level in (4, 3, 2, 1)
        ]
        smooth = self.smooth2(_larger(self.smooth(torch.cat(heads, 1))) + maps[0])
        answer: Tensor = self.final(_larger(smooth)).tanh() + images
        return answer
