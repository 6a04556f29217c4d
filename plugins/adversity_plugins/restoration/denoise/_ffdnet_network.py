"""The network of FFDNet, colour version: a plain module without any policy.

Reference: Zhang, Zuo, Zhang, "FFDNet: Toward a fast and flexible solution for CNN-based
image denoising", 2018, section III.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FFDNetColour"]

_WIDTH = 96
_CONVOLUTIONS = 12


class FFDNetColour(nn.Module):
    """Denoise four half-size sub-images together with a map of the noise level."""

    def __init__(self) -> None:
        """Build 12 convolutions of 3x3 with 96 channels, a ReLU between any two."""
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(4 * 3 + 1, _WIDTH, 3, padding=1), nn.ReLU()]
        for _ in range(_CONVOLUTIONS - 2):
            layers += [nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.ReLU()]
        layers.append(nn.Conv2d(_WIDTH, 4 * 3, 3, padding=1))
        self.model = nn.Sequential(*layers)  # the weight file's keys begin with `model.`

    def forward(self, images: Tensor, sigma: Tensor) -> Tensor:
        """Return denoised images, not yet limited to [0, 1].

        Args:
            images: `[N, 3, H, W]`; odd sizes are padded by the border pixel and cropped.
            sigma: `[N]` on the [0, 1] scale.

        Returns:
            `[N, 3, H, W]`.
        """
        height, width = images.shape[-2:]
        even = functional.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
        parts = functional.pixel_unshuffle(even, 2)
        level = sigma.view(-1, 1, 1, 1).expand(-1, 1, *parts.shape[-2:])
        denoised = functional.pixel_shuffle(self.model(torch.cat([parts, level], 1)), 2)
        return denoised[..., :height, :width]
