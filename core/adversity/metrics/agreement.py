"""How often two columns of answers to the same samples are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.intervals import share
from adversity.metrics.predictions import class_labels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["agreement", "kappa"]


def agreement(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return the share of samples with the same answer, with Wilson's interval.

    Args:
        first: `[N]` class indices.
        second: `[N]` class indices of the same classes, row i the same sample.
        level: Confidence level.

    Raises:
        DataError: The columns do not fit, or are no class indices.

    Example:
        >>> agreement([0, 1, 1, 2], [0, 1, 2, 2]).value
        0.75
    """
    a, b = _answers(first, second)
    return share(int((a == b).sum()), len(a), level=level, better="higher")


def kappa(first: ArrayLike, second: ArrayLike) -> Measure | None:
    """Return Cohen's kappa: how much of what chance leaves open the two agree on.

    There is no interval: the usual one rests on a variance that is 0 where all or nothing agrees.

    Args:
        first: `[N]` class indices.
        second: `[N]` class indices of the same classes, row i the same sample.

    Returns:
        The measure; None where both give one and the same class to all samples, so that chance
        leaves nothing open.

    Raises:
        DataError: The columns do not fit, or are no class indices.

    Reference:
        J. Cohen, "A coefficient of agreement for nominal scales", 1960.

    Example:
        >>> kappa([0, 1, 1, 2], [0, 1, 2, 2]).value
        0.6363636363636364
    """
    a, b = _answers(first, second)
    classes, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    columns = np.split(index, 2)
    counts = (np.bincount(column, minlength=len(classes)).tolist() for column in columns)
    # Whole numbers: n^2 times what chance gives, so that rounding makes no 0.
    by_chance = sum(x * y for x, y in zip(*counts, strict=True))
    n = len(a)
    if by_chance == n * n:
        return None
    same = int((a == b).sum())
    return Measure(
        value=(same * n - by_chance) / (n * n - by_chance),
        n=n,
        convention={"weights": "none", "chance": "product of both columns' shares"},
        better="higher",
    )


def _answers(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.shape(first)[:1] or (0,)
    if not rows[0]:
        raise DataError("expected two columns [N] of answers with N >= 1, got none")
    a = class_labels(first, rows=rows[0], classes=None)
    return a, class_labels(second, rows=rows[0], classes=None)
