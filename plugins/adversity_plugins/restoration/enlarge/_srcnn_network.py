"""The network of SRCNN: a plain module without any policy.

Reference: Dong, Loy, He, Tang, "Image super-resolution using deep convolutional networks", 2016,
section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SRCNNNetwork"]


class SRCNNNetwork(nn.Module):
    """Three convolutions with ReLUs between: patches, a mapping between them, an average."""

    def __init__(self, kernels: Sequence[int], channels: Sequence[int], *, bias: bool) -> None:
        """Take three odd sizes of kernels, and the channels between the layers."""
        super().__init__()
        first, second, third = kernels
        wide, narrow = channels
        self.conv1 = nn.Conv2d(1, wide, first, bias=bias)
        self.conv2 = nn.Conv2d(wide, narrow, second, bias=bias)
        self.conv3 = nn.Conv2d(narrow, 1, third, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, 1, H, W]`; each layer repeats the border of what it is given."""
        features = functional.relu(_same(self.conv1, images))
        return _same(self.conv3, functional.relu(_same(self.conv2, features)))


def _same(layer: nn.Conv2d, images: Tensor) -> Tensor:
    around = layer.kernel_size[0] // 2
    answer: Tensor = layer(functional.pad(images, (around,) * 4, mode="replicate"))
    return answer
