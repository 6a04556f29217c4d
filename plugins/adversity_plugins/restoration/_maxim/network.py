"""The network of MAXIM, MAXIM-2S and MAXIM-3S among others: a plain module without any policy.

Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
processing", 2022; the numbers are those of the authors' configurations S-2 and S-3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from adversity_plugins.restoration._maxim.blocks import (
    Bottleneck,
    CrossGating,
    Decoder,
    Encoder,
    Resampled,
    Supervised,
)

__all__ = ["MULTIPLE", "MaximNetwork"]

MULTIPLE = 64
"""Height and width are multiples: blocks of 16 at half size, of 8 at an eighth."""
_LEVELS = 3
_BOTTLENECKS = 2
_SIDES = (16, 16, 8)
"""Of blocks and grids, from full size on."""


class _Stage(nn.Module):
    """One U-net with images at three sizes in, features of the stage before, and features out."""

    def __init__(self, features: int, *, first: bool, last: bool) -> None:
        super().__init__()
        wide = [features * 2**level for level in range(_LEVELS)]
        sides = _SIDES
        self.convs_in = nn.ModuleList(nn.Conv2d(3, c, 3, padding=1) for c in wide)
        self.fuse = nn.ModuleList(
            CrossGating(c, c, c, side, enlarge=False)
            for c, side in zip(wide if not first else [], sides, strict=False)
        )
        before = [0, *wide[:-1]]
        self.encoders = nn.ModuleList(
            Encoder(below + c if level else 2 * c, c, side, gated=not first, down=True)
            for level, (below, c, side) in enumerate(zip(before, wide, sides, strict=True))
        )
        self.bottlenecks = nn.ModuleList(
            Bottleneck(wide[-1], sides[-1]) for _ in range(_BOTTLENECKS)
        )
        self.encoded = nn.ModuleList(_resamplers(wide, c) for c in wide)
        self.gates = nn.ModuleList(
            CrossGating(3 * c, above, c, side, enlarge=True)
            for c, above, side in zip(wide, [*wide[1:], wide[-1]], sides, strict=True)
        )
        self.skipped = nn.ModuleList(_resamplers(wide[::-1], c) for c in wide)  # smallest first
        self.decoders = nn.ModuleList(
            Decoder(above, 3 * c, c, side)
            for c, above, side in zip(wide, [*wide[1:], wide[-1]], sides, strict=True)
        )
        self.supervised = nn.ModuleList(Supervised(c) for c in ([] if last else wide))
        self.conv_out = nn.Conv2d(features, 3, 3, padding=1) if last else None

    def forward(
        self, scales: list[Tensor], attended: list[Tensor], seen: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return features at three sizes, encoded and decoded; lists begin at full size."""
        given = [conv(scale) for conv, scale in zip(self.convs_in, scales, strict=True)]
        if attended:
            given = [
                fuse(one, old)[0] for fuse, one, old in zip(self.fuse, given, attended, strict=True)
            ]
        images, encoded = given[0], []
        encoder: Any
        for level, encoder in enumerate(self.encoders):
            joined = torch.cat([images, given[level]], 1)
            encoded.append(encoder(joined, seen[level] if seen else None))
            images = encoder.down(encoded[-1])
        for bottleneck in self.bottlenecks:
            images = bottleneck(images)
        gate = images
        skips: dict[int, Tensor] = {}
        for level in reversed(range(_LEVELS)):
            signal = _joined(self.encoded[level], encoded, encoded[level])
            skips[level], gate = self.gates[level](signal, gate)
        decoded: dict[int, Tensor] = {}
        for level in reversed(range(_LEVELS)):
            signal = _joined(self.skipped[level], list(skips.values()), encoded[level])
            images = decoded[level] = self.decoders[level](images, signal)
        return encoded, [decoded[level] for level in range(_LEVELS)]


def _resamplers(wide: list[int], channels: int) -> nn.ModuleList:
    return nn.ModuleList(Resampled(given, channels) for given in wide)


def _joined(resamplers: Any, signals: list[Tensor], like: Tensor) -> Tensor:
    size = (like.shape[2], like.shape[3])
    return torch.cat(
        [resampler(signal, size) for resampler, signal in zip(resamplers, signals, strict=True)], 1
    )


class MaximNetwork(nn.Module):
    """U-nets one after another, each with the image at three sizes; the last one's image is told."""

    def __init__(self, *, stages: int, features: int) -> None:
        """Take the number of U-nets and of channels at full size, 32 in the published ones."""
        super().__init__()
        self.stages = nn.ModuleList(
            _Stage(features, first=number == 0, last=number == stages - 1)
            for number in range(stages)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return restored images, not yet limited to [0, 1].

        Args:
            images: `[N, 3, H, W]` in [0, 1], H and W multiples of `MULTIPLE`.
        """
        scales = [images[..., 2**k // 2 :: 2**k, 2**k // 2 :: 2**k] for k in range(_LEVELS)]
        attended: list[Tensor] = []
        seen: list[Tensor] = []
        decoded = scales
        stage: Any
        for stage in self.stages:
            encoded, decoded = stage(scales, attended, seen)
            seen = [old + new for old, new in zip(encoded, decoded, strict=True)]
            attended = [
                part(features, scale)
                for part, features, scale in zip(stage.supervised, decoded, scales, strict=False)
            ]
        answer: Tensor = stage.conv_out(decoded[0]) + images
        return answer
