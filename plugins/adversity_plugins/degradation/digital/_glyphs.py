"""Capital letters of 5 x 7 dots, as on a display: for text that hides an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["COUNT", "HEIGHT", "WIDTH", "letters"]

WIDTH, HEIGHT = 5, 7

# Each row of a letter is a number below 32: bit 4 is the leftmost dot.
_ROWS = {
    "A": (14, 17, 17, 31, 17, 17, 17),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
    " ": (0, 0, 0, 0, 0, 0, 0),
}
COUNT = len(_ROWS)


def letters() -> Tensor:
    """Return `[COUNT, 7, 5]` bool, True where a dot is set; the last is a space."""
    import torch

    rows = torch.tensor(list(_ROWS.values()))
    return (rows.unsqueeze(-1) >> torch.arange(WIDTH - 1, -1, -1)) & 1 == 1
