"""A small network with dropout, what it answers for, and its target behind mc_dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

import adversity

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE = 0.4
HIDDEN = 6
IDS = [f"image {k}" for k in range(9)]
IMAGES = 0.1 + 0.8 * torch.rand((9, 1, 2, 2), generator=torch.Generator().manual_seed(0))


def small(slope: float = 3.0) -> nn.Sequential:
    """Six hidden units of four pixels, dropped with a rate of 0.4, and three classes."""
    draw = torch.Generator().manual_seed(7)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(4, HIDDEN), nn.Tanh(), nn.Dropout(RATE), nn.Linear(HIDDEN, 3)
    )
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw))
        net[1].weight.mul_(3)
        net[1].bias.copy_(-net[1].weight.sum(1) / 2)  # centred
        net[4].weight.mul_(slope)
        net[4].bias.zero_()
    return net.eval()


def method(**parameters: Any) -> Any:
    return adversity.create("uncertainty", "mc_dropout", **parameters)


def victim(net: nn.Module, *, seed: int = 3, ids: Sequence[str] = IDS, **parameters: Any) -> Any:
    """Return the target of a network behind whose classifier stands dropout."""
    return adversity.target(net, method(**parameters)).bind(ids, seed=seed)
