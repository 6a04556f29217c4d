"""A network whose third logit is linear in four pixels, and attacks on what accepts its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from toy_alarm import WEIGHTS as EXACT
from toy_alarm import Linear

import adversity
from adversity.engine.calls.ready import Ready

if TYPE_CHECKING:
    from adversity import Decide

WEIGHTS = torch.tensor(EXACT.tolist())
IDS = [f"image {k}" for k in range(200)]


class Line(nn.Module):
    """Three logits: the third is linear in four pixels; of the others the first always leads."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        score = (images.flatten(1) - 0.5) @ WEIGHTS
        ones = torch.ones_like(score)
        return torch.stack([10 * ones, 5 * ones, score], 1)


def rule(plugin: Decide) -> Any:
    """Return a method as `adversity.target` takes it."""
    from adversity.engine.public.uncertainty_call import UncertaintyCall

    return UncertaintyCall(Ready(plugin, f'uncertainty "{plugin.name}"'))


def victim(objective: Any, plugin: Decide | None = None) -> Any:
    return adversity.target(Line(), rule(plugin or Linear()), objective=objective)


def images_with(scores: torch.Tensor) -> torch.Tensor:
    """Return images `[N, 1, 2, 2]` around grey with these scores, far from the box's walls."""
    return (0.5 + scores[:, None] * WEIGHTS / (WEIGHTS**2).sum()).reshape(-1, 1, 2, 2)
