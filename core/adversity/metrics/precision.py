"""Precision against recall: the average precision of a score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.plot import Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.predictions import floats_of
from adversity.metrics.resampled import resampled_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["average_precision"]

_POINTS = 200
"""Steps of the curve that is stored, if there are more."""


def average_precision(
    negative: ArrayLike,
    positive: ArrayLike,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the mean precision over the positive samples, each at its own score, ties together.

    It is the area under the curve of precision against recall as steps, not as trapezoids, which
    are too large where few scores stand far apart. A score that says nothing has the share of
    positive samples, which `details["prevalence"]` holds: values of other prevalences are not
    comparable.

    Args:
        negative: `[N]` scores of the samples that are not looked for.
        positive: `[M]` scores of those that are; larger ones are found first.
        groups: Names or None for each, as in `auroc`.
        level: Confidence level of the interval, by draws.

    Raises:
        DataError: A side is empty, or a score is NaN.

    Reference:
        T. Fawcett, "An introduction to ROC analysis", 2006; J. Davis, M. Goadrich, "The relationship
        between precision-recall and ROC curves", 2006 (why no trapezoids).

    Example:
        >>> average_precision([0.1, 0.4], [0.35, 0.8]).value
        0.8333333333333333
    """
    sides = [floats_of(negative, "negative"), floats_of(positive, "positive")]
    for scores, name in zip(sides, ("negative", "positive"), strict=True):
        if scores.ndim != 1 or not len(scores) or np.isnan(scores).any():
            raise DataError(
                f"expected {name} scores [N] with N >= 1 and no NaN, got shape {list(scores.shape)} "
                f"with {int(np.isnan(scores).sum())} NaN: leave samples without a score out by name"
            )
    # Equal scores get one number, the largest score the first.
    _, ranks = np.unique(-np.concatenate(sides), return_inverse=True)
    n, m = (len(scores) for scores in sides)
    count = int(ranks.max()) + 1

    def curve(of_negative: Floats, of_positive: Floats) -> tuple[Floats, Floats]:
        found = np.cumsum(np.bincount(ranks[n:], of_positive, minlength=count))
        false = np.cumsum(np.bincount(ranks[:n], of_negative, minlength=count))
        seen = found + false
        precision = np.divide(found, seen, out=np.ones(count), where=seen > 0)
        return found / found[-1], precision

    def area(of_negative: Floats, of_positive: Floats) -> float:
        recall, precision = curve(of_negative, of_positive)
        return float(np.diff(recall, prepend=0.0) @ precision)

    bounds = resampled_interval(area, (n, m), groups=groups, level=level)
    recall, precision = curve(np.ones(n), np.ones(m))
    keep = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)
    if len(keep) > _POINTS:
        keep = keep[np.linspace(0, len(keep) - 1, _POINTS).astype(int)]
    plot = Plot("line", recall[keep].tolist(), precision[keep].tolist(), "recall", "precision")
    return Measure(
        value=area(np.ones(n), np.ones(m)),
        n=n + m,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        level=level,
        method=None if bounds is None else bounds[2],
        convention={"area": "average precision", "ties": "together"},
        better="higher",
        details={"prevalence": m / (n + m), "plot": plot.as_json()},
    )
