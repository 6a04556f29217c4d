"""The victim as other libraries want it: an `nn.Module` from images to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Target

__all__ = ["VictimNetwork"]


class VictimNetwork(nn.Module):
    """A target behind the interface of a network.

    A target that is itself a network becomes a part of this one, so that a library that
    changes modes, buffers or gradients changes those of the target.
    """

    def __init__(self, target: Target, images: Tensor) -> None:
        """Take the target and the N images that it stands for."""
        super().__init__()
        self.target = target
        self.classes = target.classes
        # Set, not `train()`: that would change the mode of the target.
        self.training = bool(getattr(target, "training", False))
        # Libraries ask a network's first parameter for its device.
        self.place = nn.Parameter(torch.zeros((), device=images.device), requires_grad=False)
        self._flat = images.detach().flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[n, K]`.

        Some libraries ask for fewer rows than they were given and do not say which: an image
        is then taken for the one of the N that is nearest to it.
        """
        if len(images) == len(self._flat):
            return self.target.logits(images)
        rows = torch.cdist(images.detach().flatten(1), self._flat).argmin(1)
        return self.target.rows(rows).logits(images)
