"""The network of AOD-Net: a plain module without any policy.

Reference: Li, Peng, Wang, Xu, Feng, "AOD-Net: All-in-one dehazing network", 2017, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["AODNetwork"]

_OFFSET = 1.0
"""b of equation 4."""


class AODNetwork(nn.Module):
    """Estimate K(x) by five convolutions of three channels each, and answer K(x) x - K(x) + b."""

    def __init__(self) -> None:
        """Build the layers; each later one sees the answers of several before it."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 1)
        self.conv2 = nn.Conv2d(3, 3, 3, padding=1)
        self.conv3 = nn.Conv2d(6, 3, 5, padding=2)
        self.conv4 = nn.Conv2d(6, 3, 7, padding=3)
        self.conv5 = nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return clear images `[N, 3, H, W]`, not yet limited to [0, 1]."""
        first = functional.relu(self.conv1(images))
        second = functional.relu(self.conv2(first))
        third = functional.relu(self.conv3(torch.cat([first, second], 1)))
        fourth = functional.relu(self.conv4(torch.cat([second, third], 1)))
        seen = torch.cat([first, second, third, fourth], 1)
        factor = functional.relu(self.conv5(seen))
        answer: Tensor = factor * images - factor + _OFFSET
        return answer
