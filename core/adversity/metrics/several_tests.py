"""Several tests at once: p-values that allow for how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["holm"]


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return p-values by Holm's step-down procedure: one number each, for a family of tests.

    That holds for the whole family, whatever the tests have to do with each other: the chance that
    any true null hypothesis comes out below `level` is at most `level`.

    Args:
        p_values: One for each test of the family, in [0, 1]; None where nothing varies, which is no
            evidence. It counts as a test, and stays None.

    Returns:
        As many, in the same order, none smaller than it was.

    Raises:
        DataError: If one is not in [0, 1].

    Reference:
        S. Holm, "A simple sequentially rejective multiple test procedure", 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005])
        (0.03, 0.06, 0.06, 0.02)
    """
    values = np.array([1.0 if p is None else p for p in p_values], dtype=np.float64)
    wrong = [float(p) for p in values if not 0 <= p <= 1]
    if wrong:
        raise DataError(f"expected p-values in [0, 1], got {wrong[0]}: give what a test returned")
    order = np.argsort(values, kind="stable")
    raised = np.minimum(1.0, values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(raised)
    return tuple(None if p is None else float(q) for p, q in zip(p_values, adjusted, strict=True))
