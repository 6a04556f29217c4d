"""Small networks that are attacked, trained here on scikit-learn's digits as 32 x 32 x 3."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

__all__ = ["Digits", "digits", "trained"]

EPS = 0.1
"""The linf radius of the training and of the attack."""


@dataclass(frozen=True, slots=True)
class Digits:
    """Images `[N, 3, 32, 32]` float32 in [0, 1] and labels `[N]` int64, in two parts."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def digits(*, train: int, test: int) -> Digits:
    """Return disjoint parts of the digits, in an order fixed by a seed."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = torch.randperm(len(bunch.target), generator=torch.Generator().manual_seed(0))
    raw = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
    large = interpolate(raw, size=32, mode="bilinear", align_corners=False)
    images, labels = large.expand(-1, 3, -1, -1).contiguous(), torch.tensor(bunch.target)
    first, last = order[:train], order[len(order) - test :]
    return Digits(images[first], labels[first], images[last], labels[last])


def _network(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, width in zip((3, *widths), widths, strict=False):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    side = 32 // 2 ** len(widths)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, 10))


def trained(widths: tuple[int, ...], data: Digits, *, epochs: int) -> nn.Sequential:
    """Train a network; from the third of the epochs on against one random-start FGSM step.

    Without that a robust accuracy would be zero, and early stopping would gain too much.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _network(widths)
        optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
        for epoch in range(epochs):
            for rows in torch.split(torch.randperm(len(data.train_labels)), 64):
                images, labels = data.train_images[rows], data.train_labels[rows]
                if epoch >= epochs / 3:
                    images = _hardened(network, images, labels)
                optimiser.zero_grad()
                torch.autograd.backward(cross_entropy(network(images), labels))
                optimiser.step()
    for parameter in network.parameters():
        parameter.grad = None
    return network.eval()


def _hardened(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    start = (images + EPS * (2 * torch.rand_like(images) - 1)).clamp(0, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(network(start), labels), start)
    moved = start.detach() + 1.25 * EPS * gradient.sign()
    return torch.minimum(torch.maximum(moved, images - EPS), images + EPS).clamp(0, 1)
