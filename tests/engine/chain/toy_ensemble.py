"""Two members that differ, what combines them by hand, and lines in two pixels."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from adversity import Classifier, Combine


class Mean(Combine):
    """The mean, written here once more."""

    name: ClassVar[str] = "mean"
    differentiable: ClassVar[bool] = True

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return members.sum(0) / len(members)


class Other(Classifier):
    """Another fixed linear classifier of 3 x 6 x 6 images into the same four classes."""

    name: ClassVar[str] = "other"
    slope: float = 1.0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        weights = torch.randn(108, 4, generator=torch.Generator().manual_seed(5))
        return self.slope * (images.flatten(1) - 0.5) @ weights


class Line(nn.Module):
    """Two logits whose difference is linear in two pixels."""

    def __init__(self, weights: list[float], bias: float) -> None:
        super().__init__()
        self.weights = torch.tensor(weights)
        self.bias = bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        lead = images.flatten(1) @ self.weights + self.bias
        return torch.stack([lead, -lead], 1)


def by_hand(plugins: Any, images: torch.Tensor) -> torch.Tensor:
    """Log of the mean of both members' softmax, in float64."""
    first = plugins["net"].plugin.logits(images)
    second = Other().logits(images * 0.5)
    return ((first.double().softmax(1) + second.double().softmax(1)) / 2).log()


def gradient_of(answer: Any, images: torch.Tensor) -> torch.Tensor:
    """Differentiate the cross-entropy of class 2."""
    point = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(-answer(point).log_softmax(1)[:, 2].sum(), point)
    return found
