"""The network of `mean_variance_cnn`: convolutions, and on their features a mean and a variance.

Training and evaluation compute the same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import softplus

from adversity_plugins.small_network.body import Linear, SmallBody

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LEAST", "MeanVarianceNetwork"]

LEAST = 1e-6
"""The smallest variance, of targets whose own is 1 (Lakshminarayanan et al., 2017, section 2.2.1):
a likelihood has no upper end where a variance may go to 0."""


class MeanVarianceNetwork(SmallBody):
    """Images `[N, C, H, W]` in [0, 1] to mean and variance `[N, D]` of scaled targets; H, W >= 8."""

    def __init__(self, *, channels: int, numbers: int, width: int) -> None:
        """Make the layers; their values are undefined until `draw` or a state dict."""
        super().__init__(channels=channels, width=width)
        self.mean_head = Linear(8 * width, numbers)
        self.variance_head = Linear(8 * width, numbers)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance `[N, D]`, the variance above `LEAST`."""
        features = self.features(images)
        return self.mean_head(features), softplus(self.variance_head(features)) + LEAST
