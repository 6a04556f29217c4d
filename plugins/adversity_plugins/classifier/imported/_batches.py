"""Calling a model that was exported for one number of images with any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["in_batches_of"]


def in_batches_of(rows: int | None, call: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return what a model answers, called with exactly `rows` images each time.

    Args:
        rows: How many it takes; None for any number.
        call: The model, with a row of its answer for each image.
        images: `[N, ...]`; the last batch is filled up with copies of its last image.
    """
    import torch

    if rows is None or len(images) == rows:
        return call(images)
    parts = []
    for start in range(0, len(images), rows):
        part = images[start : start + rows]
        missing = rows - len(part)
        if missing:
            part = torch.cat([part, part[-1:].expand(missing, *part.shape[1:])])
        parts.append(call(part)[: rows - missing])
    return torch.cat(parts)
