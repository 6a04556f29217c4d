"""A network sees a number of rows that only its class and the size of the images decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr

from adversity import Classifier
from adversity.engine.calls.blocks import in_blocks
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget


class Witness(Classifier):
    """Give two means of the image and write down how many rows came."""

    name: ClassVar[str] = "witness"
    block_rows: ClassVar[int | None] = None
    _rows: list[int] = PrivateAttr(default_factory=list)

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("dark", "bright")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        self._rows.append(len(images))
        mean = images.mean((1, 2, 3))
        return torch.stack([-mean, mean], 1)


class Pinned(Witness):
    """A classifier that wants five rows, whatever the images."""

    name: ClassVar[str] = "pinned"
    block_rows: ClassVar[int | None] = 5


@pytest.mark.parametrize(
    ("kind", "size", "count", "rows"),
    [
        (Witness, (8, 8), 3, [64]),
        (Witness, (64, 64), 70, [64, 64]),
        (Witness, (32, 128), 1, [64]),
        (Witness, (64, 65), 20, [16, 16]),
        (Pinned, (8, 8), 7, [5, 5]),
    ],
)
def test_rows_of_a_block(
    kind: type[Witness], size: tuple[int, int], count: int, rows: list[int], make_ready: Any
) -> None:
    """The final call and the target of an attack use the same rows, and agree."""
    images = torch.rand(count, 1, *size, generator=torch.Generator().manual_seed(0))
    ids = [str(row) for row in range(count)]
    plugin = kind()
    ready = replace(make_ready(plugin), looked=None)  # without the look at neighbours, once
    answer = ready.call.logits(images, ids)
    assert plugin._rows == rows
    plugin._rows.clear()
    assert torch.equal(ChainTarget([Link("net", ready)], ids=ids).logits(images), answer)
    assert plugin._rows == rows
    assert torch.allclose(answer[:, 1], images.mean((1, 2, 3)))


def test_padding_carries_no_gradient() -> None:
    """The last row is repeated to fill a block; its gradient is its own only."""
    images = torch.rand(3, 2, requires_grad=True)
    seen: list[int] = []

    def square(block: torch.Tensor) -> torch.Tensor:
        seen.append(len(block))
        return block**2

    in_blocks(square, images, 2).sum().backward()
    assert seen == [2, 2]
    assert images.grad is not None
    assert torch.equal(images.grad, 2 * images.detach())
