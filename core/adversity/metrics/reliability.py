"""Reliability bins: how often the model is right where it is so and so sure.

Sums are held as integers (counts in int64, confidences in units of 2^-64), so that any
order, batching and merging of the rows gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.errors import DataError
from adversity.metrics.intervals import wilson
from adversity.metrics.predictions import (
    class_labels,
    class_probs,
    floats_of,
    top_scores,
    verdicts,
    whole_number,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = [
    "Edge",
    "ReliabilityAccumulator",
    "ReliabilityBins",
    "Spacing",
    "binned",
    "checked_rows",
    "reliability",
    "top_class",
]

Edge = Literal["guo", "left"]
"""`guo`: bins (low, high], 0 in the first. `left`: bins [low, high), 1 in the last."""
Spacing = Literal["width", "mass"]
"""Bins of equal width, or of equal numbers of rows with tied confidences kept together."""


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """The bins that hold rows, from the least to the most confident.

    Attributes:
        low, high: `[B]` float64: edges; for equal mass the smallest and largest confidence.
        n: `[B]` int64, rows.
        correct: `[B]` int64, rows that are right.
        confidence: `[B]` float64, mean confidence.
        asked: How many bins were requested.
        edge, spacing: The rule, `edge` None for equal mass.
    """

    low: Floats
    high: Floats
    n: NDArray[np.int64]
    correct: NDArray[np.int64]
    confidence: Floats
    asked: int
    edge: Edge | None
    spacing: Spacing

    @property
    def accuracy(self) -> Floats:
        """The share of right rows in each bin, `[B]`."""
        return self.correct / self.n

    @property
    def rows(self) -> int:
        """The number of rows in all bins."""
        return int(self.n.sum())

    @property
    def convention(self) -> dict[str, Any]:
        """The rule, as stored beside a number."""
        return {"bins": self.asked, "edge": self.edge, "spacing": self.spacing}

    def records(self, level: float = 0.95) -> list[dict[str, Any]]:
        """Return a JSON record for each bin, with the Wilson interval of its accuracy."""
        bars = [
            wilson(int(right), int(rows), level)
            for right, rows in zip(self.correct, self.n, strict=True)
        ]
        return [
            {
                "low": float(self.low[i]),
                "high": float(self.high[i]),
                "n": int(self.n[i]),
                "confidence": float(self.confidence[i]),
                "accuracy": float(self.accuracy[i]),
                "accuracy_low": bar[0],
                "accuracy_high": bar[1],
            }
            for i, bar in enumerate(bars)
        ]


class ReliabilityAccumulator:
    """Bins of equal width, filled batch by batch.

    Example:
        >>> seen = ReliabilityAccumulator(bins=10)
        >>> seen.update(np.array([0.95, 0.85]), np.array([True, False]))
        >>> seen.value().n.tolist()
        [1, 1]
    """

    def __init__(self, *, bins: int = 15, edge: Edge = "guo") -> None:
        """Start with empty bins.

        Raises:
            DataError: `bins` is below 1 or `edge` is unknown.
        """
        _check_rule(bins, edge, "width")
        self.bins, self.edge = bins, edge
        self._n = np.zeros(bins, np.int64)
        self._correct = np.zeros(bins, np.int64)
        self._confidence = [0] * bins

    def update(self, confidence: ArrayLike, correct: ArrayLike) -> None:
        """Add rows.

        Args:
            confidence: `[N]` in [0, 1].
            correct: `[N]` booleans.

        Raises:
            DataError: The arrays do not fit.
        """
        sure, right = checked_rows(confidence, correct)
        edges = np.linspace(0.0, 1.0, self.bins + 1)
        if self.edge == "guo":
            index = np.searchsorted(edges[1:], sure, side="left")
        else:
            index = np.searchsorted(edges, sure, side="right") - 1
        self._add(np.minimum(index, self.bins - 1), sure, right)

    def merge(self, other: ReliabilityAccumulator) -> None:
        """Add what another accumulator has seen.

        Raises:
            DataError: The other one has other bins.
        """
        if (self.bins, self.edge) != (other.bins, other.edge):
            raise DataError(
                f"expected {self.bins} bins with edge {self.edge!r}, got {other.bins} with "
                f"{other.edge!r}: merge only accumulators of one rule"
            )
        self._n += other._n
        self._correct += other._correct
        sums = zip(self._confidence, other._confidence, strict=True)
        self._confidence = [own + theirs for own, theirs in sums]

    def value(self) -> ReliabilityBins:
        """Return the bins that hold rows.

        Raises:
            DataError: Nothing was added.
        """
        edges = np.linspace(0.0, 1.0, self.bins + 1)
        return self._filled(edges[:-1], edges[1:], self.edge, "width")

    def _add(self, index: NDArray[np.intp], confidence: Floats, correct: NDArray[np.bool_]) -> None:
        self._n += np.bincount(index, minlength=self.bins)
        self._correct += np.bincount(index[correct], minlength=self.bins)
        # Split exactly into two 32-bit digits, whose int64 sums hold 2^31 rows a batch.
        scaled = confidence * 2.0**32
        upper = np.floor(scaled)
        digits = (upper, np.floor((scaled - upper) * 2.0**32))
        sums = [np.zeros(self.bins, np.int64) for _ in digits]
        for total, digit in zip(sums, digits, strict=True):
            np.add.at(total, index, digit.astype(np.int64))
        for i in range(self.bins):
            self._confidence[i] += (int(sums[0][i]) << 32) + int(sums[1][i])

    def _filled(
        self, low: Floats, high: Floats, edge: Edge | None, spacing: Spacing
    ) -> ReliabilityBins:
        full = np.flatnonzero(self._n)
        if not len(full):
            raise DataError("expected at least one row, got none: call update first")
        # Python divides integers of any size with one correct rounding.
        means = [self._confidence[i] / (int(self._n[i]) << 64) for i in full]
        return ReliabilityBins(
            low=low[full],
            high=high[full],
            n=self._n[full],
            correct=self._correct[full],
            confidence=np.array(means, np.float64),
            asked=self.bins,
            edge=edge,
            spacing=spacing,
        )


def reliability(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
    edge: Edge = "guo",
    spacing: Spacing = "width",
) -> ReliabilityBins:
    """Return the reliability bins of the top class.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: At least 1.
        edge: Rule for equal-width bins.
        spacing: Equal width, or equal mass.

    Raises:
        DataError: The arrays or the rule do not fit.

    Reference:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
        networks", 2017, section 2.
    """
    confidence, correct = top_class(probs, labels, logits=logits)
    return binned(confidence, correct, bins=bins, edge=edge, spacing=spacing)


def top_class(
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return each row's confidence in its top class, and whether that is the true one.

    Args:
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.

    Returns:
        `[N]` float64 and `[N]` booleans.

    Raises:
        DataError: The arrays do not fit.
    """
    values = class_probs(probs, logits)
    truth = class_labels(labels, rows=len(values), classes=values.shape[1])
    return top_scores(values, truth)


def binned(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    edge: Edge = "guo",
    spacing: Spacing = "width",
) -> ReliabilityBins:
    """Return the reliability bins of confidences `[N]` and verdicts `[N]`, from `top_class`."""
    _check_rule(bins, edge, spacing)
    seen = ReliabilityAccumulator(bins=bins, edge=edge)
    if spacing == "width":
        seen.update(confidence, correct)
        return seen.value()
    sure, right = checked_rows(confidence, correct)
    levels, group, counts = np.unique(sure, return_inverse=True, return_counts=True)
    # A tied group goes whole to the bin of its middle rank, so row order means nothing.
    twice_middle = 2 * (counts.cumsum() - counts) + counts
    index = bins * twice_middle // (2 * len(sure))
    seen._add(index[group], sure, right)
    low, high = np.zeros(bins), np.zeros(bins)
    low[index[::-1]], high[index] = levels[::-1], levels
    return seen._filled(low, high, None, "mass")


def checked_rows(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Return confidences `[N]` float64 in [0, 1] and verdicts `[N]`; DataError if they are not."""
    sure = floats_of(confidence, "confidence")
    right = verdicts(correct, "correct")
    if sure.shape != right.shape:
        shapes = f"{list(sure.shape)} and {list(right.shape)}"
        raise DataError(f"expected confidence and correct of one shape, got {shapes}")
    if not ((sure >= 0) & (sure <= 1 + 1e-3)).all():  # also refuses NaN
        raise DataError(
            f"expected confidences in [0, 1], got {np.min(sure):.6g} .. {np.max(sure):.6g}"
        )
    return sure, right


def _check_rule(bins: int, edge: str, spacing: str) -> None:
    whole_number(bins, "bins", low=1)
    if edge not in ("guo", "left"):
        raise DataError(f'expected edge "guo" or "left", got {edge!r}')
    if spacing not in ("width", "mass"):
        raise DataError(f'expected spacing "width" or "mass", got {spacing!r}')
