"""Which pixel of a sensor sees which colour, as `degradation/mosaic` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PATTERNS", "Pattern", "kept"]

PATTERNS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "RGGB": ((0, 1), (1, 2)),
    "BGGR": ((2, 1), (1, 0)),
    "GRBG": ((1, 0), (2, 1)),
    "GBRG": ((1, 2), (0, 1)),
}
"""The channel that is seen at each place of the tile of 2 x 2 pixels: 0 red, 1 green, 2 blue."""


def _tile(value: Any) -> Any:
    """Return the tile of a word; rows of numbers are one already."""
    if isinstance(value, str) and value.upper() in PATTERNS:
        return PATTERNS[value.upper()]
    rows = tuple(map(tuple, value)) if isinstance(value, list | tuple) else value
    if rows not in PATTERNS.values():
        raise ValueError(f"expected {', '.join(PATTERNS)}")
    return rows


def _word(tile: Any) -> str:
    """Return the word for a tile."""
    return next(word for word, rows in PATTERNS.items() if rows == tile)


Pattern: TypeAlias = Annotated[
    tuple[tuple[int, int], tuple[int, int]],
    BeforeValidator(_tile),
    PlainSerializer(_word, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "enum": list(PATTERNS)}),
]


def kept(images: Tensor, pattern: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the sensor saw, 0 elsewhere, and where it did.

    Args:
        images: `[N, 3, H, W]`; what stands in a channel that a pixel does not see is not used.
        pattern: `[N, 2, 2]`, the channel that is seen at each place of the tile.

    Returns:
        `[N, 3, H, W]` like the images, and `[N, 3, H, W]` bool.

    Raises:
        ValueError: If a pattern is not Bayer's.
    """
    import torch

    for tile in pattern.tolist():
        if tuple(map(tuple, tile)) not in PATTERNS.values():
            raise ValueError(
                f"expected a pattern that is one of {', '.join(PATTERNS)}, got the channels "
                f"{tile} in the tile; give the pattern of a Bayer mosaic"
            )
    rows, columns = (torch.arange(n, device=images.device) % 2 for n in images.shape[2:])
    seen = pattern.to(images.device)[:, rows[:, None], columns]
    channels = torch.arange(3, device=images.device).view(1, 3, 1, 1)
    where = seen[:, None] == channels
    return images * where.to(images), where
