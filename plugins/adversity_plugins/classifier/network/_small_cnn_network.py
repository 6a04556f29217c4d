"""The network of `small_cnn`: four convolutions and a linear layer, without normalisation.

Without dropout, training and evaluation compute the same function.
"""

from __future__ import annotations

from torch import Tensor, nn

from adversity_plugins.small_network.body import Linear, SmallBody

__all__ = ["SmallNetwork"]


class SmallNetwork(SmallBody):
    """Images `[N, C, H, W]` in [0, 1] to logits `[N, K]`; any H, W >= 8."""

    def __init__(self, *, channels: int, classes: int, width: int, dropout: float = 0.0) -> None:
        """Make the layers; their values are undefined until `draw` or a state dict."""
        super().__init__(channels=channels, width=width)
        self.dropout = nn.Dropout(dropout)
        self.head = Linear(8 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]`."""
        logits: Tensor = self.head(self.dropout(self.features(images)))
        return logits
