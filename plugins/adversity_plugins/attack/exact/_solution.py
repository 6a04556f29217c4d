"""What a solver knows of one image, and when an answer counts as won."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["Solution", "wins"]

Array = np.ndarray[Any, Any]

_TIE = 1e-6
"""Relative: scores so close may come out in another order after rounding to float32."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver knows of one image.

    Attributes:
        points: Proposed failures `[D]` float32, nearest first; none where there is no failure.
        lower_bound: No failure is nearer than this.
        proved: The first point is the nearest failure, but for rounding.
    """

    points: Iterator[Array]
    lower_bound: float
    proved: bool


def wins(scores: Array, answer: int) -> bool:
    """Return whether no other of `[K]` scores is higher, but for rounding to float32."""
    slack = _TIE * (1 + float(np.abs(scores).max()))
    return bool(scores[answer] >= scores.max() - slack)
