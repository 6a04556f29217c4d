"""One image after the other: what is worked on stays in the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import clip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from adversity import SampleRng

__all__ = ["clipped", "in_cache", "one_by_one", "streams_in_cache"]


def in_cache(images: Tensor) -> list[Tensor]:
    """Return the images one by one on a CPU, whose cache holds one, else all together."""
    return one_by_one(images) if images.device.type == "cpu" else [images]


def one_by_one(images: Tensor) -> list[Tensor]:
    """Return `[1, ...]` of each row."""
    return [images[row : row + 1] for row in range(len(images))]


def streams_in_cache(images: Tensor, rng: SampleRng) -> list[SampleRng]:
    """Return the streams of each part of `in_cache`."""
    if images.device.type != "cpu":
        return [rng]
    return [rng.rows([row]) for row in range(len(images))]


def clipped(images: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """Put parts together and cut them to [0, 1].

    Only the result is memory that the system must first hand over, page by page, which costs as
    much as many a corruption: a part that is made when it is asked for is made in what the part
    before has left.

    Args:
        images: `[N, C, H, W]`, the clean ones.
        parts: `[n, C, H, W]`, N rows together.

    Returns:
        `[N, C, H, W]`.
    """
    import torch

    if images.requires_grad or images.device.type != "cpu":
        return torch.cat([clip(part) for part in parts])
    result, row = torch.empty(images.shape, dtype=images.dtype), 0
    for part in parts:
        torch.clamp(part, 0, 1, out=result[row : row + len(part)])
        row += len(part)
    return result
