"""The network of DeepDeblur: a plain module without any policy.

Reference: Nah, Kim, Lee, "Deep multi-scale convolutional neural network for dynamic scene
deblurring", 2017, section 3; the Gaussian pyramid is that of the authors' program in PyTorch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SCALES", "DeepDeblurNetwork", "halved"]

SCALES = 3
_KERNEL = 5
_SIGMA = 2 / 3
"""Of the Gaussian before the size is halved, in pixels."""
_RADIUS = 3


class _Block(nn.Module):
    """Two convolutions with a ReLU between, beside a shortcut; nothing is normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(channels, channels), nn.ReLU(), _convolution(channels, channels)
        )

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = images + self.body(images)
        return answer


class _Scale(nn.Module):
    """The layers at one size: as many blocks, between a convolution in and one out."""

    def __init__(self, given: int, blocks: int, channels: int) -> None:
        super().__init__()
        between = [_Block(channels) for _ in range(blocks)]
        self.body = nn.Sequential(
            _convolution(given, channels), *between, _convolution(channels, 3)
        )

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.body(images)
        return answer


class _Up(nn.Module):
    """Twice as high and wide, by a convolution and a shuffle of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.uppath = nn.Sequential(_convolution(3, 12), nn.PixelShuffle(2))

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.uppath(images)
        return answer


class DeepDeblurNetwork(nn.Module):
    """Deblur a quarter of the size first, and give what came out to the next larger size.

    Layers have the names of the authors' files, `body_models.0` at full size.
    """

    def __init__(self, *, blocks: int, channels: int) -> None:
        """Take the residual blocks at each size and the channels, 19 and 64 as published."""
        super().__init__()
        given = [6] * (SCALES - 1) + [3]
        self.body_models = nn.ModuleList(_Scale(one, blocks, channels) for one in given)
        self.conv_end_models = nn.ModuleList(
            nn.Identity() if scale == 0 else _Up() for scale in range(SCALES)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return sharp images; values lie around 0.

        Args:
            images: `[N, 3, H, W]`, H and W multiples of 4.
        """
        pyramid = [images]
        for _ in range(SCALES - 1):
            pyramid.append(halved(pyramid[-1]))
        answer: Tensor = self.body_models[-1](pyramid[-1])
        for scale in reversed(range(SCALES - 1)):
            larger = self.conv_end_models[scale + 1](answer)
            answer = self.body_models[scale](torch.cat([pyramid[scale], larger], 1))
        return answer


def halved(images: Tensor) -> Tensor:
    """Smooth `[N, C, H, W]` by a Gaussian and take the mean of four pixels, H and W even."""
    place = torch.arange(-_RADIUS, _RADIUS + 1, dtype=images.dtype, device=images.device)
    weights = (-0.5 * (place / _SIGMA) ** 2).exp()
    kernel = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    smooth = images
    for _ in range(2):
        wide = _mirrored_with_border(smooth)
        smooth = functional.conv2d(wide, kernel, groups=images.shape[1]).transpose(2, 3)
    return functional.avg_pool2d(smooth, 2)


def _mirrored_with_border(images: Tensor) -> Tensor:
    """Lengthen the last axis both ways by its mirror image, the border pixel twice."""
    width = images.shape[-1]
    place = torch.arange(-_RADIUS, width + _RADIUS, device=images.device) % (2 * width)
    return images[..., torch.minimum(place, 2 * width - 1 - place)]


def _convolution(given: int, channels: int) -> nn.Conv2d:
    return nn.Conv2d(given, channels, _KERNEL, padding=_KERNEL // 2)
