"""A fitting stream made of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from adversity import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class ArrayStream:
    """Logits and targets as a re-iterable stream of blocks."""

    def __init__(self, logits: np.ndarray, targets: np.ndarray | None, *, rows: int) -> None:
        self.logits, self.targets, self.rows = torch.as_tensor(logits), targets, rows

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(str(k) for k in range(self.logits.shape[1]))

    def __len__(self) -> int:
        return len(self.logits)

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, len(self), self.rows):
            part = slice(start, start + self.rows)
            targets = None if self.targets is None else torch.as_tensor(self.targets[part])
            ids = tuple(str(i) for i in range(len(self))[part])
            yield Block(ids=ids, targets=targets, logits=self.logits[part])


@pytest.fixture
def stream() -> Callable[..., ArrayStream]:
    """Make a stream of blocks of `rows` rows."""

    def make(logits: np.ndarray, targets: np.ndarray | None, rows: int = 64) -> ArrayStream:
        return ArrayStream(np.asarray(logits), targets, rows=rows)

    return make
