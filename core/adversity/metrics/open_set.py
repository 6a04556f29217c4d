"""Known classes told apart, and unknown ones noticed, in one number: OSCR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.plot import Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.predictions import floats_of, verdicts, whole_number
from adversity.metrics.resampled import resampled_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["openness", "oscr"]

_POINTS = 200


def oscr(
    known: ArrayLike,
    correct: ArrayLike,
    unknown: ArrayLike,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the area under the open-set classification rate: right and accepted against wrongly so.

    It is the chance that a known sample is answered right and has a smaller score than an unknown
    one, ties half: the accuracy where every unknown sample has a larger score than all known ones,
    and AUROC where every answer is right.

    Args:
        known: `[N]` scores of samples of known classes, larger = less sure.
        correct: `[N]` booleans, whether these are answered right.
        unknown: `[M]` scores of samples of unknown classes.
        groups: Of the known and of the unknown samples, names or None, as in `auroc`.
        level: Confidence level of the interval, by draws.

    Raises:
        DataError: A side is empty, a score is NaN, or the verdicts do not fit.

    Reference:
        A. R. Dhamija, M. Günther, T. E. Boult, "Reducing network agnostophobia", 2018.

    Example:
        >>> oscr([0.1, 0.2, 0.6], [True, False, True], [0.5, 0.7]).value
        0.5
    """
    inside, outside = floats_of(known, "known"), floats_of(unknown, "unknown")
    right = verdicts(correct, "correct")
    if inside.shape != right.shape or not len(inside) or not len(outside):
        raise DataError(
            f"expected known and correct [N] and unknown [M], N, M >= 1, got {list(inside.shape)}, "
            f"{list(right.shape)} and {list(outside.shape)}"
        )
    if np.isnan(inside).any() or np.isnan(outside).any():
        raise DataError("expected a score for each sample, got NaN: leave such rows out by name")
    n, m = len(inside), len(outside)
    _, ranks = np.unique(np.concatenate([inside, outside]), return_inverse=True)
    count, hits = int(ranks.max()) + 1, right.astype(np.float64)

    def curve(of_known: Floats, of_unknown: Floats) -> tuple[Floats, Floats]:
        accepted = np.bincount(ranks[:n], of_known * hits, minlength=count) / of_known.sum()
        let_in = np.bincount(ranks[n:], of_unknown, minlength=count) / of_unknown.sum()
        return accepted, let_in

    def area(of_known: Floats, of_unknown: Floats) -> float:
        accepted, let_in = curve(of_known, of_unknown)
        return float(let_in @ (np.cumsum(accepted) - accepted / 2))

    bounds = resampled_interval(area, (n, m), groups=groups, level=level)
    accepted, let_in = (np.cumsum(part) for part in curve(np.ones(n), np.ones(m)))
    x, last = np.unique(let_in, return_index=True)
    y = np.maximum.reduceat(accepted, last)
    if len(x) > _POINTS:
        keep = np.linspace(0, len(x) - 1, _POINTS).astype(int)
        x, y = x[keep], y[keep]
    titles = ("unknown samples accepted", "known samples accepted and right")
    return Measure(
        value=area(np.ones(n), np.ones(m)),
        n=n + m,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        level=level,
        method=None if bounds is None else bounds[2],
        convention={"ties": "count half"},
        better="higher",
        details={
            "known": n,
            "unknown": m,
            "plot": Plot("steps", x.tolist(), y.tolist(), *titles).as_json(),
        },
    )


def openness(training: int, target: int, testing: int) -> float:
    """Return how open a recognition problem is: 0 where all classes that come up are known.

    1 - sqrt(2 training / (target + testing)).

    Args:
        training: Classes that were seen while training.
        target: Classes that shall be told apart, mostly the same.
        testing: Classes that come up in the test, the unknown ones included.

    Raises:
        DataError: A number is below 1, or fewer classes come up than shall be told apart.

    Reference:
        W. J. Scheirer, A. de Rezende Rocha, A. Sapkota, T. E. Boult, "Toward open set recognition",
        2013.

    Example:
        >>> round(openness(10, 10, 90), 4)
        0.5528
    """
    for number, name in ((training, "training"), (target, "target"), (testing, "testing")):
        whole_number(number, name, low=1)
    if target + testing < 2 * training:
        raise DataError(
            f"expected at least as many classes in the test as in training, got {training} in "
            f"training, {target} to tell apart and {testing} in the test"
        )
    return 1 - math.sqrt(2 * training / (target + testing))
