"""Which axis is which: a search over moves reaches both directions, whatever the shape."""

from __future__ import annotations

from itertools import product

import torch

import adversity

DOWN = (-2, 0, 2)
"""Pixels: a quarter of the height."""


class Corners(torch.nn.Module):
    """A linear network of three classes on grey images 8 high and 12 wide."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(11)
        self.weights = torch.randn(96, 3, generator=generator)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images - 0.5).flatten(1) @ self.weights


def _moved(image: torch.Tensor, right: int, down: int) -> torch.Tensor:
    """Move one image `[1, 8, 12]` by whole pixels; black comes in."""
    found = torch.zeros_like(image)
    rows, columns = range(8), range(12)
    for row, column in product(rows, columns):
        if row - down in rows and column - right in columns:
            found[:, row, column] = image[:, row - down, column - right]
    return found


def _standing(
    net: Corners, images: torch.Tensor, labels: torch.Tensor, rights: tuple[int, ...]
) -> list[bool]:
    """Return by brute force which images keep their class under every move."""
    return [
        all(
            int(net(_moved(image, right, down)[None]).argmax(1)) == int(label)
            for right, down in product(rights, DOWN)
        )
        for image, label in zip(images, labels, strict=True)
    ]


def test_3_9_both_directions_are_searched_in_channels_first_images() -> None:
    """As many stand as brute force over both says; a search in one direction leaves more (ART)."""
    net = Corners()
    images = torch.rand(40, 1, 8, 12, generator=torch.Generator().manual_seed(0))
    victim = adversity.target(net)
    labels = victim.bind([str(row) for row in range(40)]).answer(images).predicted
    attack = adversity.create("attack", "spatial", angle_deg=0, angles=1, shift=1 / 4, shifts=3)
    found = (~attack(victim, images, labels).success).tolist()
    # A quarter of the width is three pixels, of the height two.
    full = _standing(net, images, labels, (-3, 0, 3))
    assert found == full
    assert sum(_standing(net, images, labels, (0,))) > sum(full)
