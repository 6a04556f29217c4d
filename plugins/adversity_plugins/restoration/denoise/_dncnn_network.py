"""The network of DnCNN: a plain module without any policy.

Reference: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser: residual learning of deep
CNN for image denoising", 2017, section III.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["DnCNNNetwork"]

_EPSILON = 1e-4
"""Of the batch norm's variance, as in the authors' program in PyTorch (KAIR)."""


class DnCNNNetwork(nn.Module):
    """Convolutions of 3 x 3 that tell the noise, which is taken off what came in.

    The layers lie in `model` one after another, so that keys are those of the authors' files:
    with batch norm `model.0.weight`, `model.2.weight`, `model.3.weight`, `model.3.running_mean`
    ..., without it `model.0.weight`, `model.2.weight`, `model.4.weight` ...
    """

    def __init__(self, planes: int, layers: int, channels: int, *, bias: bool, norm: bool) -> None:
        """Take channels of the image, convolutions in all, channels between them.

        Args:
            planes: 1 or 3.
            layers: At least 2.
            channels: Between the convolutions.
            bias: Whether convolutions have one.
            norm: Whether a batch norm stands behind each inner convolution.
        """
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(planes, channels, 3, padding=1, bias=bias), nn.ReLU()]
        for _ in range(layers - 2):
            parts.append(nn.Conv2d(channels, channels, 3, padding=1, bias=bias))
            if norm:
                parts.append(nn.BatchNorm2d(channels, eps=_EPSILON))
            parts.append(nn.ReLU())
        parts.append(nn.Conv2d(channels, planes, 3, padding=1, bias=bias))
        self.model = nn.Sequential(*parts)

    def forward(self, images: Tensor) -> Tensor:
        """Return `[N, planes, H, W]`, not yet limited to [0, 1]; beyond the border are zeros."""
        answer: Tensor = images - self.model(images)
        return answer
