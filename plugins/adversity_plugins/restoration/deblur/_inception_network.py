"""Inception-ResNet-v2 up to its second reduction, in the five levels that DeblurGAN-v2 takes.

Reference: Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of
residual connections on learning", 2016, section 3.2. Widths and scales of residuals are those of
the authors' program, from which published weights come, not those of the paper's figures. Names of
layers are those under which pretrained-models.pytorch and timm know them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adversity_plugins.restoration.deblur._own_statistics import OwnStatistics

__all__ = ["inception_levels"]

_EPSILON = 1e-3
"""Of the program's batch norms."""

_Size = int | tuple[int, int]
_Layers = tuple[tuple[int, _Size], ...]
"""Channels and kernel of each layer of a branch."""

_MIXED: tuple[_Layers, ...] = (
    ((96, 1),),
    ((48, 1), (64, 5)),
    ((64, 1), (96, 3), (96, 3)),
    ((64, 1),),
)
"""The last of them behind a mean of 3 x 3."""
_FINE: tuple[_Layers, ...] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))
_REDUCTION: tuple[_Layers, ...] = (((384, 3),), ((256, 1), (256, 3), (384, 3)))
_COARSE: tuple[_Layers, ...] = (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1))))
_LAST_REDUCTION: tuple[_Layers, ...] = (
    ((256, 1), (384, 3)),
    ((256, 1), (288, 3)),
    ((256, 1), (288, 3), (320, 3)),
)


class _Unit(nn.Module):
    """Convolve, normalise, cut below 0."""

    def __init__(self, given: int, channels: int, size: _Size, stride: int, *, whole: bool) -> None:
        """Take channels, kernel and stride, and whether a border of zeros keeps the size."""
        super().__init__()
        high, wide = (size, size) if isinstance(size, int) else size
        border = (high // 2, wide // 2) if whole else (0, 0)
        self.conv = nn.Conv2d(given, channels, (high, wide), stride, border, bias=False)
        self.bn = OwnStatistics(channels, affine=True, epsilon=_EPSILON)

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(images)))


def _stem(given: int, channels: int, size: int, stride: int = 1, *, whole: bool = False) -> _Unit:
    return _Unit(given, channels, size, stride, whole=whole)


def _branch(
    given: int, layers: _Layers, *, halved: bool = False, pooled: bool = False
) -> nn.Module:
    """Return layers one behind another; the last halves, or all are behind a mean of 3 x 3."""
    row: list[nn.Module] = []
    if pooled:
        row.append(nn.AvgPool2d(3, 1, 1, count_include_pad=False))
    for number, (channels, size) in enumerate(layers, 1):
        last = halved and number == len(layers)
        row.append(_Unit(given, channels, size, 2 if last else 1, whole=not last))
        given = channels
    return nn.Sequential(*row) if len(row) > 1 else row[0]


class _Joined(nn.Module):
    """Branches side by side, their channels one behind another."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)
        self.count = len(branches)

    def joined(self, images: Tensor) -> Tensor:
        return torch.cat([self.get_submodule(f"branch{k}")(images) for k in range(self.count)], 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.joined(images)


class _Residual(_Joined):
    """Add a small part of what the branches say."""

    def __init__(self, given: int, branches: tuple[_Layers, ...], scale: float) -> None:
        super().__init__(*(_branch(given, layers) for layers in branches))
        self.conv2d = nn.Conv2d(sum(layers[-1][0] for layers in branches), given, 1)
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.conv2d(self.joined(images)) * self.scale + images)


def _reduced(given: int, branches: tuple[_Layers, ...]) -> _Joined:
    parts = [_branch(given, layers, halved=True) for layers in branches]
    return _Joined(*parts, nn.MaxPool2d(3, 2))


def inception_levels() -> list[nn.Module]:
    """Return the layers in five parts, `[N, 3, H, W]` to 32, 64, 192, 1088 and 2080 channels.

    Each about halves height and width. Some layers have no border of zeros, as in the paper's
    figures: of 32 k pixels 16 k - 1, 8 k - 2, 4 k - 3, 2 k - 2 and k - 2 are left.
    """
    mixed = [_branch(192, layers) for layers in _MIXED[:-1]]
    mixed.append(_branch(192, _MIXED[-1], pooled=True))
    fine = [_Residual(320, _FINE, 0.17) for _ in range(10)]
    coarse = [_Residual(1088, _COARSE, 0.1) for _ in range(20)]
    return [
        _stem(3, 32, 3, 2),
        nn.Sequential(_stem(32, 32, 3), _stem(32, 64, 3, whole=True), nn.MaxPool2d(3, 2)),
        nn.Sequential(_stem(64, 80, 1), _stem(80, 192, 3), nn.MaxPool2d(3, 2)),
        nn.Sequential(_Joined(*mixed), nn.Sequential(*fine), _reduced(320, _REDUCTION)),
        nn.Sequential(nn.Sequential(*coarse), _reduced(1088, _LAST_REDUCTION)),
    ]
