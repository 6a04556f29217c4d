"""The network of `mean_variance_cnn`: convolutions, and on their features a mean and a variance.

No layer looks at other samples or keeps running statistics, so an answer depends on its own image
alone; training and evaluation compute the same function.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LEAST", "MeanVarianceNetwork"]

LEAST = 1e-6
"""The smallest variance, of targets whose own is 1 (Lakshminarayanan et al., 2017, section 2.2.1):
a likelihood has no upper end where a variance may go to 0."""


class _Convolution(nn.Conv2d):
    """One whose weights are set afterwards: nothing is drawn from the global generator."""

    def reset_parameters(self) -> None:
        """Leave them undefined."""


class _Linear(nn.Linear):
    """The same for a linear layer."""

    def reset_parameters(self) -> None:
        """Leave them undefined."""


class MeanVarianceNetwork(nn.Module):
    """Images `[N, C, H, W]` in [0, 1] to mean and variance `[N, D]` of scaled targets; H, W >= 8."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, channels: int, numbers: int, width: int) -> None:
        """Make the layers; their values are undefined until `draw` or a state dict."""
        super().__init__()
        wide, wider = width, 2 * width
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("deviation", torch.ones(1, channels, 1, 1))
        self.body = nn.Sequential(
            OrderedDict(
                conv1=_Convolution(channels, wide, 5, stride=2, padding=2),
                relu1=nn.ReLU(),
                conv2=_Convolution(wide, wider, 3, stride=2, padding=1),
                relu2=nn.ReLU(),
                conv3=_Convolution(wider, wider, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=_Convolution(wider, wider, 3, stride=2, padding=1),
                relu4=nn.ReLU(),
                pool=nn.AdaptiveAvgPool2d(2),
                flat=nn.Flatten(),
            )
        )
        self.mean_head = _Linear(4 * wider, numbers)
        self.variance_head = _Linear(4 * wider, numbers)

    def draw(self, rng: np.random.Generator) -> None:
        """Draw initial weights (He et al., 2015: variance 2 / fan-in), zero biases."""
        with torch.no_grad():
            for name, value in self.named_parameters():
                if name.endswith("bias"):
                    value.zero_()
                    continue
                scale = (2.0 / value[0].numel()) ** 0.5
                drawn = rng.standard_normal(tuple(value.shape)) * scale
                value.copy_(torch.from_numpy(drawn))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance `[N, D]`, the variance above `LEAST`."""
        features: Tensor = self.body((images - self.mean) / self.deviation)
        return self.mean_head(features), softplus(self.variance_head(features)) + LEAST
