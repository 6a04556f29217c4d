"""MAXIM's blocks of convolutions and of pixels mixed; all take and give `[N, C, H, W]`.

Reference: Tu et al., "MAXIM: Multi-axis MLP for image processing", 2022, section 3 and figure 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adversity_plugins.restoration._maxim.mixing import (
    EPSILON,
    MultiAxisMLP,
    SpatialWeights,
    gelu,
)

__all__ = ["Bottleneck", "CrossGating", "Decoder", "Encoder", "Resampled", "Supervised"]

_SQUEEZE = 4
_SLOPE = 0.2


def _last(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1)


def _first(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2)


class _ChannelAttention(nn.Module):
    """Scale each channel by what the means of all say (squeeze and excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // _SQUEEZE, 1)
        self.excite = nn.Conv2d(channels // _SQUEEZE, channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean((2, 3), keepdim=True)
        answer: Tensor = images * self.excite(functional.relu(self.squeeze(means))).sigmoid()
        return answer


class _AttentiveConvolutions(nn.Module):
    """Two convolutions and channel attention beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = _ChannelAttention(channels)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.conv1(_first(self.norm(_last(images))))
        inner = self.conv2(functional.leaky_relu(inner, _SLOPE))
        answer: Tensor = images + self.attention(inner)
        return answer


class _AttentiveChannels(nn.Module):
    """The same in the bottleneck, with a perceptron over channels for the convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.dense1 = nn.Linear(channels, channels)
        self.dense2 = nn.Linear(channels, channels)
        self.attention = _ChannelAttention(channels)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.dense2(gelu(self.dense1(self.norm(_last(images)))))
        answer: Tensor = images + self.attention(_first(inner))
        return answer


class CrossGating(nn.Module):
    """Two signals gate each other; the second comes from half the size if it is enlarged."""

    def __init__(self, wide: int, gate: int, channels: int, side: int, *, enlarge: bool) -> None:
        """Take channels of the first, of the second, of both answers, and the side of blocks."""
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(gate, channels, 2, stride=2) if enlarge else None
        self.conv_x = nn.Conv2d(wide, channels, 1)
        self.conv_y = nn.Conv2d(channels if enlarge else gate, channels, 1)
        self.norm_x = nn.LayerNorm(channels, EPSILON)
        self.norm_y = nn.LayerNorm(channels, EPSILON)
        self.project_in_x = nn.Linear(channels, channels)
        self.project_in_y = nn.Linear(channels, channels)
        self.weights_x = SpatialWeights(channels, side)
        self.weights_y = SpatialWeights(channels, side)
        self.project_out_x = nn.Linear(channels, channels)
        self.project_out_y = nn.Linear(channels, channels)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return both signals; the second is in the first already."""
        if self.enlarge is not None:
            y = self.enlarge(y)
        x, y = _last(self.conv_x(x)), _last(self.conv_y(y))
        inner_x = gelu(self.project_in_x(self.norm_x(x)))
        inner_y = gelu(self.project_in_y(self.norm_y(y)))
        y = y + self.project_out_y(inner_y * self.weights_x(inner_x))
        x = x + y + self.project_out_x(inner_x * self.weights_y(inner_y))
        return _first(x), _first(y)


class Encoder(nn.Module):
    """Mix pixels, convolve, twice; from the second stage on what the one before saw gates it."""

    def __init__(self, given: int, channels: int, side: int, *, gated: bool, down: bool) -> None:
        """Take channels in and out, the side of blocks, and what there is besides."""
        super().__init__()
        self.conv_in = nn.Conv2d(given, channels, 1)
        self.mixers = nn.ModuleList(MultiAxisMLP(channels, side) for _ in range(2))
        self.convolvers = nn.ModuleList(_AttentiveConvolutions(channels) for _ in range(2))
        self.gating = (
            CrossGating(channels, channels, channels, side, enlarge=False) if gated else None
        )
        self.down = nn.Conv2d(channels, channels, 4, stride=2, padding=1) if down else None

    def forward(self, images: Tensor, before: Tensor | None = None) -> Tensor:
        """Return features of the same size; `before` are those of the stage before."""
        images = shortcut = self.conv_in(images)
        for mixer, convolver in zip(self.mixers, self.convolvers, strict=True):
            images = convolver(_first(mixer(_last(images))))
        images = images + shortcut
        if self.gating is not None and before is not None:
            images, _ = self.gating(images, before)
        return images


class Decoder(nn.Module):
    """Enlarge by 2, join with what was skipped, and go on as an encoder."""

    def __init__(self, given: int, skipped: int, channels: int, side: int) -> None:
        """Take channels that come, that were skipped, of the answer, and the side of blocks."""
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(given, channels, 2, stride=2)
        self.encoder = Encoder(channels + skipped, channels, side, gated=False, down=False)

    def forward(self, images: Tensor, skipped: Tensor) -> Tensor:
        """Return features of twice the size."""
        answer: Tensor = self.encoder(torch.cat([self.enlarge(images), skipped], 1))
        return answer


class Bottleneck(nn.Module):
    """Mix pixels, then channels, twice, at the smallest size."""

    def __init__(self, channels: int, side: int) -> None:
        """Take the channels and the side of blocks."""
        super().__init__()
        self.conv_in = nn.Conv2d(channels, channels, 1)
        self.mixers = nn.ModuleList(MultiAxisMLP(channels, side) for _ in range(2))
        self.channels = nn.ModuleList(_AttentiveChannels(channels) for _ in range(2))

    def forward(self, images: Tensor) -> Tensor:
        """Return features of the same size."""
        images = shortcut = self.conv_in(images)
        for mixer, channels in zip(self.mixers, self.channels, strict=True):
            images = channels(_first(mixer(_last(images))))
        answer: Tensor = images + shortcut
        return answer


class Resampled(nn.Module):
    """Bring features to another size bilinearly, smoothed where they shrink, and mix channels."""

    def __init__(self, given: int, channels: int) -> None:
        """Take channels in and out."""
        super().__init__()
        self.conv = nn.Conv2d(given, channels, 1)

    def forward(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Return `[N, channels, *size]`."""
        if tuple(images.shape[2:]) != size:
            images = functional.interpolate(
                images, size, mode="bilinear", antialias=size[0] < images.shape[2]
            )
        answer: Tensor = self.conv(images)
        return answer


class Supervised(nn.Module):
    """Make the image of this stage, and let it say which features go on to the next."""

    def __init__(self, channels: int) -> None:
        """Take the channels."""
        super().__init__()
        self.features = nn.Conv2d(channels, channels, 3, padding=1)
        self.image = nn.Conv2d(channels, 3, 3, padding=1)
        self.attention = nn.Conv2d(3, channels, 3, padding=1)

    def forward(self, features: Tensor, given: Tensor) -> Tensor:
        """Return features; `given` is the image that came in, at their size."""
        image = self.image(features) + given
        answer: Tensor = features + self.features(features) * self.attention(image).sigmoid()
        return answer
