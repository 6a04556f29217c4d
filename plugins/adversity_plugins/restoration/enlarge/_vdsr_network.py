"""The network of VDSR: a plain module without any policy.

Reference: Kim, Lee, Lee, "Accurate image super-resolution using very deep convolutional
networks", 2016, section 3.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["VDSRNetwork"]


class VDSRNetwork(nn.Module):
    """Convolutions of 3 x 3 with ReLUs between; their answer is added to what came in."""

    def __init__(self, layers: int, channels: int, *, bias: bool) -> None:
        """Take how many layers in all, and the channels between them."""
        super().__init__()
        wide = [1, *[channels] * (layers - 1), 1]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=bias) for before, after in pairwise(wide)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, 1, H, W]`; beyond the border there are zeros, as when it is trained."""
        features = images
        for layer in self.layers[:-1]:
            features = functional.relu(layer(features))
        answer: Tensor = images + self.layers[-1](features)
        return answer
