"""The generator of DeblurGAN-v2 with MobileNet-V2: a plain module without any policy.

Reference: Kupyn, Martyniuk, Wu, Wang, "DeblurGAN-v2: Deblurring (orders-of-magnitude) faster and
better", 2019, section 3; Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted residuals
and linear bottlenecks", 2018, table 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MULTIPLE", "DeblurGANNetwork", "OwnStatistics"]

MULTIPLE = 32
"""Height and width are halved five times."""
_EPSILON = 1e-5
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
_WIDE = (16, 24, 32, 64, 160)
"""Channels there."""


class OwnStatistics(nn.Module):
    """Normalise each channel of each image by its own mean and deviation.

    In the authors' program batch norms work so: an image is restored alone, in training mode.
    """

    def __init__(self, channels: int, *, affine: bool) -> None:
        """Take the channels, and whether there is a weight and a bias for each."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, C, H, W]`; what is even becomes 0."""
        variance, mean = torch.var_mean(images, (2, 3), correction=0, keepdim=True)
        answer = (images - mean) * (variance + _EPSILON).rsqrt()
        if self.weight is None or self.bias is None:
            return answer
        return answer * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


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


def _backbone() -> list[nn.Module]:
    first = nn.Sequential(_convolved(3, _STEM, 3, 2), OwnStatistics(_STEM, affine=True), nn.ReLU6())
    layers: list[nn.Module] = [first]
    given = _STEM
    for expansion, channels, blocks, stride in _ROWS:
        for number in range(blocks):
            step = stride if number == 0 else 1
            layers.append(_Inverted(given, channels, step, expansion))
            given = channels
    return layers


def _smoothed(given: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, channels, 3, padding=1), OwnStatistics(channels, affine=False), nn.ReLU()
    )


def _larger(images: Tensor, times: int = 2) -> Tensor:
    return functional.interpolate(images, scale_factor=times, mode="nearest")


class _Pyramid(nn.Module):
    """Features at five sizes, each joined with the next smaller one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers, starts = _backbone(), (0, *_LEVELS[:-1])
        for level, (start, end) in enumerate(zip(starts, _LEVELS, strict=True)):
            self.add_module(f"enc{level}", nn.Sequential(*layers[start:end]))
            wide = channels if level else channels // 2
            self.add_module(f"lateral{level}", _convolved(_WIDE[level], wide, 1))
        for number in (1, 2, 3):
            self.add_module(f"td{number}", _smoothed(channels, channels))

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = []
        for level in range(len(_LEVELS)):
            images = self.get_submodule(f"enc{level}")(images)
            maps.append(self.get_submodule(f"lateral{level}")(images))
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

    def __init__(self, channels: int) -> None:
        """Take the channels of the heads, 64 as published; the pyramid has twice as many."""
        super().__init__()
        self.fpn = _Pyramid(2 * channels)
        for level in range(1, 5):
            self.add_module(f"head{level}", _Head(2 * channels, channels))
        self.smooth = _smoothed(4 * channels, channels)
        self.smooth2 = _smoothed(channels, channels // 2)
        self.final = nn.Conv2d(channels // 2, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return sharp images, not limited.

        Args:
            images: `[N, 3, H, W]` in [-1, 1], H and W multiples of `MULTIPLE`.
        """
        maps = self.fpn(images)
        heads = [
            _larger(self.get_submodule(f"head{level}")(maps[level]), 2 ** (level - 1))
            for level in (4, 3, 2, 1)
        ]
        smooth = self.smooth2(_larger(self.smooth(torch.cat(heads, 1))) + maps[0])
        answer: Tensor = self.final(_larger(smooth)).tanh() + images
        return answer
