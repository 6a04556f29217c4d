"""Fixed-size blocks, so that no kernel ever sees another number of rows.

Convolution and matrix kernels change the last bits of their result with the batch size.
The methods of degradations, restorations, classifiers, calibrators and image metrics are
therefore called with exactly their class's `block_rows` rows, a classifier that leaves the
number open with one that only the size of the images decides; the last block is padded by
repeating a row, and what the padding gave is thrown away. An attack gets at most its number
of rows: the target pads what the attack queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

__all__ = ["in_blocks", "network_rows", "one_thread", "padded", "spans"]

SMALL = 64 * 64
"""A small image has at most so many pixels."""
SMALL_ROWS = 64
"""Rows of a block of small images. Layers with many weights and few pixels need many rows:
ResNet-18 at 32 x 32 was measured to take 1.4 times as long in blocks of 16. 64 rows at 64 x 64
are a third of the memory of 16 at 224 x 224."""
ROWS = 16
"""Rows of a block of larger images."""


def one_thread() -> None:
    """Give torch one thread in this process: only then are results the same bytes.

    With several workers it is faster as well: two threads on two busy cores were measured
    to be 4 to 10 times slower than one.
    """
    import torch

    torch.set_num_threads(1)


def spans(count: int, rows: int) -> Iterator[range]:
    """Split `range(count)` into ranges of at most `rows`.

    Example:
        >>> [list(span) for span in spans(5, 2)]
        [[0, 1], [2, 3], [4]]
    """
    return (range(start, min(start + rows, count)) for start in range(0, count, rows))


def network_rows(plugin: Any, images: Tensor, *, enlarged: int = 1) -> int:
    """Return the rows of a classifier's block: its own constant, else by the images' size.

    Nothing else may decide: the rows of a block are part of the bits of the answer.

    Args:
        plugin: The classifier.
        images: `[N, C, H, W]`.
        enlarged: How many times as high and wide they are when they reach it.
    """
    if plugin.block_rows is not None:
        return int(plugin.block_rows)
    return SMALL_ROWS if images.shape[-2] * images.shape[-1] * enlarged**2 <= SMALL else ROWS


def padded(block: Tensor, rows: int) -> Tensor:
    """Repeat the last row until there are `rows`; padding carries no gradient."""
    import torch

    missing = rows - len(block)
    if missing <= 0:
        return block
    return torch.cat([block, block[-1:].detach().expand(missing, *block.shape[1:])])


def in_blocks(call: Callable[[Tensor], Tensor], images: Tensor, rows: int) -> Tensor:
    """Apply a row-wise function in blocks of exactly `rows` rows.

    Args:
        call: From `[rows, ...]` to `[rows, ...]`.
        images: `[N, ...]`, N >= 1.
        rows: The block size.

    Returns:
        `[N, ...]`; differentiable where `call` is.
    """
    import torch

    if len(images) == rows:
        return call(images)
    parts = [
        call(padded(images[span.start : span.stop], rows))[: len(span)]
        for span in spans(len(images), rows)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
