"""What mixes pixels in MAXIM: within blocks, and across the image on a grid.

All takes and gives `[N, H, W, C]`. H and W are multiples of the block's side, and of the grid's.

Reference: Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MAXIM: Multi-axis MLP for image
processing", 2022, section 3.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["EPSILON", "MultiAxisMLP", "SpatialWeights", "gelu", "on_blocks", "on_grid"]

EPSILON = 1e-6
"""Of the layer norms' variance."""


def gelu(values: Tensor) -> Tensor:
    """Return GELU by its approximation with tanh, with which the weights were trained."""
    return functional.gelu(values, approximate="tanh")


def on_grid(images: Tensor, side: int) -> Tensor:
    """Return `[N, side * side, pixels of a cell, C]`: the image in side x side cells."""
    n, height, width, channels = images.shape
    cells = images.reshape(n, side, height // side, side, width // side, channels)
    return cells.transpose(2, 3).reshape(n, side * side, -1, channels)


def on_blocks(images: Tensor, side: int) -> Tensor:
    """Return `[N, blocks, side * side, C]`: the image in blocks of side x side pixels."""
    n, height, width, channels = images.shape
    blocks = images.reshape(n, height // side, side, width // side, side, channels)
    return blocks.transpose(2, 3).reshape(n, -1, side * side, channels)


def _off_grid(cells: Tensor, side: int, height: int, width: int) -> Tensor:
    n, channels = len(cells), cells.shape[-1]
    apart = cells.reshape(n, side, side, height // side, width // side, channels)
    return apart.transpose(2, 3).reshape(n, height, width, channels)


def _off_blocks(blocks: Tensor, side: int, height: int, width: int) -> Tensor:
    n, channels = len(blocks), blocks.shape[-1]
    apart = blocks.reshape(n, height // side, width // side, side, side, channels)
    return apart.transpose(2, 3).reshape(n, height, width, channels)


class _OverCells(nn.Linear):
    """Mix `[N, cells, pixels, C]` over the cells: each pixel with its like in all others."""

    def forward(self, values: Tensor) -> Tensor:
        flat = torch.matmul(self.weight, values.flatten(2)) + self.bias[:, None]
        return flat.reshape(values.shape)


class _OverPixels(nn.Linear):
    """Mix `[N, blocks, pixels, C]` over the pixels of each block."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.matmul(self.weight, values) + self.bias[:, None]


def _over(side: int, *, grid: bool) -> nn.Module:
    return (_OverCells if grid else _OverPixels)(side * side, side * side)


class _GatedMLP(nn.Module):
    """gMLP on a grid or in blocks: half of the channels, mixed over pixels, gates the other half."""

    def __init__(self, channels: int, side: int, *, grid: bool) -> None:
        super().__init__()
        self.side, self.grid = side, grid
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.project_in = nn.Linear(channels, 2 * channels)
        self.gate_norm = nn.LayerNorm(channels, EPSILON)
        self.mix = _over(side, grid=grid)
        self.project_out = nn.Linear(channels, channels)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[1:3]
        apart = (on_grid if self.grid else on_blocks)(images, self.side)
        kept, gate = gelu(self.project_in(self.norm(apart))).chunk(2, -1)
        gate = self.mix(self.gate_norm(gate))
        answer = apart + self.project_out(kept * (gate + 1))
        return (_off_grid if self.grid else _off_blocks)(answer, self.side, height, width)


class MultiAxisMLP(nn.Module):
    """Half of the channels is mixed on a grid, half in blocks (multi-axis gated MLP)."""

    def __init__(self, channels: int, side: int) -> None:
        """Take the channels and the side of blocks and of the grid."""
        super().__init__()
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.project_in = nn.Linear(channels, 2 * channels)
        self.grid = _GatedMLP(channels, side, grid=True)
        self.blocks = _GatedMLP(channels, side, grid=False)
        self.project_out = nn.Linear(2 * channels, channels)

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, H, W, C]`."""
        wide, near = gelu(self.project_in(self.norm(images))).chunk(2, -1)
        answer: Tensor = images + self.project_out(
            torch.cat([self.grid(wide), self.blocks(near)], -1)
        )
        return answer


class SpatialWeights(nn.Module):
    """What one signal gates another with: mixed on a grid and in blocks, without a gate."""

    def __init__(self, channels: int, side: int) -> None:
        """Take the channels and the side of blocks and of the grid."""
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.project_in = nn.Linear(channels, 2 * channels)
        self.over_grid = _over(side, grid=True)
        self.over_blocks = _over(side, grid=False)
        self.project_out = nn.Linear(2 * channels, channels)

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, H, W, C]`."""
        height, width = images.shape[1:3]
        wide, near = gelu(self.project_in(self.norm(images))).chunk(2, -1)
        wide = _off_grid(self.over_grid(on_grid(wide, self.side)), self.side, height, width)
        near = _off_blocks(self.over_blocks(on_blocks(near, self.side)), self.side, height, width)
        answer: Tensor = self.project_out(torch.cat([wide, near], -1))
        return answer
