"""An image continued beyond its border, and parted into channels that share little."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def mirrored(images: Tensor, before: int, after: int) -> Tensor:
    """Continue `[..., H, W]` by so many pixels on each side, mirrored with the border doubled.

    A mirror in front of a mirror: an image of one pixel can be continued as far as any.
    """
    rows, columns = (
        _places(length, before, after, images) for length in (images.shape[-2], images.shape[-1])
    )
    return images.index_select(-2, rows).index_select(-1, columns)


def _places(length: int, before: int, after: int, like: Tensor) -> Tensor:
    """Return which of `length` pixels each pixel of the continued line shows."""
    import torch

    line = torch.arange(-before, length + after, device=like.device) % (2 * length)
    return torch.where(line < length, line, 2 * length - 1 - line)


def cosines(size: int, like: Tensor) -> Tensor:
    """Return the orthonormal DCT-II, `[size, size]`, a row for each frequency."""
    import torch

    line = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(math.pi * (line[None] + 0.5) * line[:, None] / size) * (2 / size) ** 0.5
    matrix[0] *= 0.5**0.5
    return matrix.to(like)  # type: ignore[no-any-return]


def channels_apart(image: Tensor) -> Tensor:
    """Turn the channels of `[C, H, W]` by an orthonormal DCT: brightness, then differences.

    White noise stays white, and what the channels have in common is in one of them.
    """
    import torch

    return torch.tensordot(cosines(len(image), image), image, dims=1)  # type: ignore[no-any-return]


def channels_together(apart: Tensor) -> Tensor:
    """Undo `channels_apart`."""
    import torch

    return torch.tensordot(cosines(len(apart), apart).T, apart, dims=1)  # type: ignore[no-any-return]
