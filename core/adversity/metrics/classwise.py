"""Reliability bins of each class: how often it is true where its probability is so and so large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError
from adversity.metrics.predictions import class_labels, class_probs, whole_number
from adversity.metrics.reliability import (
    Edge,
    ReliabilityAccumulator,
    ReliabilityBins,
    Spacing,
    binned,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ClasswiseAccumulator", "class_reliability"]


class ClasswiseAccumulator:
    """Bins of equal width for each class, filled batch by batch; memory is that of K x `bins` sums.

    Example:
        >>> seen = ClasswiseAccumulator(2, bins=10)
        >>> seen.update([[0.75, 0.25], [0.85, 0.15]], [0, 1])
        >>> [bins.n.tolist() for bins in seen.value()]
        [[1, 1], [1, 1]]
    """

    def __init__(self, classes: int, *, bins: int = 15, edge: Edge = "guo") -> None:
        """Start with empty bins.

        Raises:
            DataError: There are less than two classes, `bins` is below 1, or `edge` is unknown.
        """
        self.classes = whole_number(classes, "classes", low=2)
        self._each = [ReliabilityAccumulator(bins=bins, edge=edge) for _ in range(classes)]

    def update(
        self,
        probs: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        logits: ArrayLike | None = None,
    ) -> None:
        """Add rows.

        Args:
            probs: `[N, K]`, rows sum to 1; or give `logits`.
            labels: `[N]` integers in 0 .. K - 1.
            logits: `[N, K]`.

        Raises:
            DataError: The arrays do not fit.
        """
        values = class_probs(probs, logits)
        if values.shape[1] != self.classes:
            raise DataError(
                f"expected {self.classes} classes, got {values.shape[1]}: one accumulator, one set "
                "of classes"
            )
        truth = class_labels(labels, rows=len(values), classes=self.classes)
        for k, seen in enumerate(self._each):
            seen.update(np.ascontiguousarray(values[:, k]), truth == k)

    def merge(self, other: ClasswiseAccumulator) -> None:
        """Add what another accumulator has seen.

        Raises:
            DataError: The other one has other classes or bins.
        """
        if self.classes != other.classes:
            raise DataError(
                f"expected {self.classes} classes, got {other.classes}: merge only accumulators of "
                "one rule"
            )
        for own, theirs in zip(self._each, other._each, strict=True):
            own.merge(theirs)

    def value(self) -> tuple[ReliabilityBins, ...]:
        """Return the bins of each class that hold rows; `correct` counts where it is true.

        Raises:
            DataError: Nothing was added.
        """
        return tuple(seen.value() for seen in self._each)


def class_reliability(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
    edge: Edge = "guo",
    spacing: Spacing = "width",
) -> tuple[ReliabilityBins, ...]:
    """Return the reliability bins of each class, K of them.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: At least 1.
        edge: Rule for equal-width bins.
        spacing: Equal width, or equal mass in each class.

    Raises:
        DataError: The arrays or the rule do not fit.

    Example:
        >>> each = class_reliability([[0.75, 0.25], [0.75, 0.25]], [0, 1])
        >>> [bins.accuracy.tolist() for bins in each]
        [[0.5], [0.5]]
    """
    values = class_probs(probs, logits)
    truth = class_labels(labels, rows=len(values), classes=values.shape[1])
    return tuple(
        binned(
            np.ascontiguousarray(values[:, k]), truth == k, bins=bins, edge=edge, spacing=spacing
        )
        for k in range(values.shape[1])
    )
