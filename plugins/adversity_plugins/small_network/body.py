"""Four convolutions, without normalisation, on which small networks put their last layers.

No layer looks at other samples or keeps running statistics, so an answer depends on its own image
alone.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Linear", "SmallBody", "shares_of"]


class _Convolution(nn.Conv2d):
    """One whose weights are set afterwards: nothing is drawn from the global generator.

    As `nn.utils.skip_init` would make it, which imports a library of algebra first, for meta tensors.
    """

    def reset_parameters(self) -> None:
        """Leave them undefined."""


class Linear(nn.Linear):
    """The same for a linear layer."""

    def reset_parameters(self) -> None:
        """Leave them undefined."""


class SmallBody(nn.Module):
    """Images `[N, C, H, W]` in [0, 1] to features `[N, 8 * width]`; any H, W >= 8."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, channels: int, width: int) -> None:
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

    def scale_to(self, images: Tensor) -> None:
        """Take the mean and the deviation of each channel of images `[N, C, H, W]`."""
        deviation, mean = torch.std_mean(images.double(), dim=(0, 2, 3), keepdim=True)
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp_min(1e-3))  # a constant channel divides by no zero

    def features(self, images: Tensor) -> Tensor:
        """Return `[N, D]` features before the last layer."""
        normal: Tensor = self.body((images - self.mean) / self.deviation)
        return normal


def shares_of(weights: Tensor | None) -> Tensor | None:
    """Return weights `[N]` float32 whose mean is 1; None where all are the same, as if none were."""
    if weights is None or bool((weights == weights[0]).all()):
        return None
    return (weights / weights.mean()).float()
