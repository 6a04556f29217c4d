"""Batch norms as they work where an image is restored alone, in training mode."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["OwnStatistics"]

_EPSILON = 1e-5
"""As torch has it."""


class OwnStatistics(nn.Module):
    """Normalise each channel of each image by its own mean and deviation.

    In the program of DeblurGAN-v2's authors batch norms work so: an image is restored alone, in
    training mode.
    """

    def __init__(self, channels: int, *, affine: bool, epsilon: float = _EPSILON) -> None:
        """Take the channels, whether there is a weight and a bias for each, and what variances get."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.epsilon = epsilon

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, C, H, W]`; what is even becomes 0."""
        variance, mean = torch.var_mean(images, (2, 3), correction=0, keepdim=True)
        answer = (images - mean) * (variance + self.epsilon).rsqrt()
        if self.weight is None or self.bias is None:
            return answer
        return answer * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
