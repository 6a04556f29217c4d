"""Linear victims with optima in closed form, and a small network that is not linear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

import adversity

if TYPE_CHECKING:
    from collections.abc import Callable


class Linear(torch.nn.Module):
    """Two classes with the margin w . x + b, whatever the shape of x."""

    def __init__(self, weights: torch.Tensor, bias: float = 0.0) -> None:
        super().__init__()
        self.weights, self.bias = weights.double(), bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        margin = (images.double() * self.weights).flatten(1).sum(1) + self.bias
        return torch.stack([margin, -margin], 1).float()


def _linf(w: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    return np.clip(x - eps * np.sign(w), 0, 1) - x


def _l2(w: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    def clipped(scale: float) -> np.ndarray:
        return np.clip(x - scale * w, 0, 1) - x

    if np.linalg.norm(clipped(1e9)) <= eps:
        return clipped(1e9)
    scale = brentq(lambda s: np.linalg.norm(clipped(s)) - eps, 0, 1e9, xtol=1e-15, rtol=1e-14)
    return clipped(scale)


def _l1(w: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    delta, left = np.zeros_like(x), eps
    for i in sorted(range(len(w)), key=lambda i: -abs(w[i])):
        room = x[i] if w[i] > 0 else 1 - x[i]
        take = min(room, left)
        delta[i], left = -np.sign(w[i]) * take, left - take
    return delta


OPTIMA: dict[str, Callable[..., np.ndarray]] = {"linf": _linf, "l2": _l2, "l1": _l1}


@pytest.fixture
def linear() -> type[Linear]:
    """The class of linear victims."""
    return Linear


@pytest.fixture
def best_drop() -> Callable[[Any, Any, float, str], float]:
    """The largest drop of a linear margin within eps and the box, written independently."""

    def drop(weights: Any, image: Any, eps: float, norm: str) -> float:
        w = np.asarray(weights, dtype=np.float64).ravel()
        x = np.asarray(image, dtype=np.float64).ravel()
        return float(-(w * OPTIMA[norm](w, x, eps)).sum())

    return drop


@pytest.fixture(scope="session")
def network() -> torch.nn.Module:
    """A small fixed network with ReLUs, float32, 10 classes, input [N, 3, 8, 8]."""
    generator = torch.Generator().manual_seed(0)
    layers = [
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 64, 10),
    ]
    for layer in layers:
        for parameter in layer.parameters():
            with torch.no_grad():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return torch.nn.Sequential(*layers)


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """24 images [24, 3, 8, 8] in [0, 1], some values on the bounds."""
    generator = torch.Generator().manual_seed(1)
    return (1.4 * torch.rand(24, 3, 8, 8, generator=generator) - 0.2).clamp(0, 1)


@pytest.fixture(scope="session")
def labels(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network says of the clean images, so that every sample is attacked."""
    return (
        adversity.target(network)
        .bind([str(i) for i in range(len(images))])
        .answer(images)
        .predicted
    )
