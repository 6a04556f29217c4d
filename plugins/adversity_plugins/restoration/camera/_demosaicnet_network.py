"""The network of DemosaicNet for Bayer mosaics: a plain module without any policy.

It is the one that the authors published with weights: its last layer at half the resolution is
parted into filters and masks, which are multiplied; the paper has filters alone.

Reference: Gharbi, Chaurasia, Paris, Durand, "Deep joint demosaicking and denoising", 2016.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

__all__ = ["MARGIN", "DemosaicNetwork"]

_LAYERS, _WIDTH = 15, 64
MARGIN = 2 * _LAYERS + 1
"""What the convolutions take from each side: a pixel for each, two where there are half as many."""


class DemosaicNetwork(nn.Module):
    """Convolutions of 3 x 3 at half the resolution, then one at the full one, beside the mosaic.

    Nothing is added at the border. Keys are those of the authors' file.
    """

    def __init__(self) -> None:
        """Make the layers, with weights of no meaning yet."""
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["pack_mosaic"] = nn.Conv2d(3, 4, 2, stride=2)
        for number in range(1, _LAYERS + 1):
            came = 4 if number == 1 else _WIDTH
            leaves = 2 * _WIDTH if number == _LAYERS else _WIDTH
            layers[f"conv{number}"] = nn.Conv2d(came, leaves, 3)
            layers[f"relu{number}"] = nn.ReLU()
        self.main_processor = nn.Sequential(layers)
        self.residual_predictor = nn.Conv2d(_WIDTH, 12, 1)
        self.upsampler = nn.ConvTranspose2d(12, 3, 2, stride=2, groups=3)
        self.fullres_processor = nn.Sequential(
            OrderedDict(
                post_conv=nn.Conv2d(6, _WIDTH, 3),
                post_relu=nn.ReLU(),
                output=nn.Conv2d(_WIDTH, 3, 1),
            )
        )

    def forward(self, mosaic: Tensor) -> Tensor:
        """Return colours, not yet limited to [0, 1].

        Args:
            mosaic: `[N, 3, H, W]`, GRBG, 0 where a channel is not seen; H and W even, above 62.

        Returns:
            `[N, 3, H - 62, W - 62]`, of the middle.
        """
        filters, masks = self.main_processor(mosaic).split(_WIDTH, dim=1)
        guess = self.upsampler(self.residual_predictor(filters * masks))
        inner = slice(MARGIN - 1, 1 - MARGIN)
        beside = torch.cat([mosaic[..., inner, inner], guess], dim=1)
        colours: Tensor = self.fullres_processor(beside)
        return colours
