"""Two methods on the same images: the difference, its interval and its p-value.

Pairing removes what the images have in common, so a difference is seen with far fewer of
them than two separate intervals would need. Rows must be joined by sample id beforehand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.grouped import SampleGroups, are_grouped
from adversity.metrics.intervals import mean_and_error, mean_interval, normal_quantile
from adversity.metrics.predictions import array_of, floats_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["paired_difference"]


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    better: str | None = None,
) -> Measure:
    """Return mean(a) - mean(b) over the same samples.

    Booleans (right or wrong) get the adjusted Wald interval for paired shares and the
    exact McNemar test; numbers get Student's paired interval and test. Where samples come in
    groups, both get Student's of the groups, by the jackknife, and the test that goes with it; for
    booleans it is never narrower than the adjusted Wald for one sample a group.

    Args:
        a: `[N]` booleans or numbers.
        b: `[N]` of the same type, row i the same sample as row i of `a`.
        groups: `[N]` names, None for a sample that is a group of its own; None where nothing is
            said of groups.
        level: Confidence level.
        better: Which sign is good: `higher` if a larger `a` is.

    Returns:
        The difference. `details["p_value"]` is two-sided, None where nothing varies; for
        booleans `only_a` and `only_b` count the samples on which the two differ.

    Raises:
        DataError: Lengths or types differ, or a number is not finite.

    Reference:
        D. G. Bonett, R. M. Price, "Adjusted Wald confidence interval for a difference of
        binomial proportions based on paired data", 2012; Q. McNemar, "Note on the sampling
        error of the difference between correlated proportions or percentages", 1947.

    Example:
        >>> paired_difference([True, True, True, False], [True, False, False, False]).value
        0.5
    """
    first, second = array_of(a, "a"), array_of(b, "b")
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise DataError(
            f"expected two arrays [N] with N >= 1 of the same samples, got "
            f"{list(first.shape)} and {list(second.shape)}: join the tables by id first"
        )
    if (first.dtype.kind == "b") != (second.dtype.kind == "b"):
        raise DataError(f"expected two arrays of one type, got {first.dtype} and {second.dtype}")
    if groups is not None and are_grouped(groups):
        return _grouped(first, second, groups, level, better)
    if first.dtype.kind == "b":
        return _shares(first, second, level, better)
    return _means(floats_of(first, "a"), floats_of(second, "b"), level, better)


def _shares(
    a: NDArray[np.bool_], b: NDArray[np.bool_], level: float, better: str | None
) -> Measure:
    from scipy.special import bdtr

    n = len(a)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    z = normal_quantile(level)
    p_a, p_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = z * math.sqrt((p_a + p_b - (p_a - p_b) ** 2) / (n + 2))
    differing = only_a + only_b
    # Twice the smaller tail of Binomial(differing, 1/2); 1 when the halves meet.
    p_value = min(1.0, 2 * float(bdtr(min(only_a, only_b), differing, 0.5))) if differing else 1.0
    return Measure(
        value=(only_a - only_b) / n,
        n=n,
        low=max(-1.0, p_a - p_b - half),
        high=min(1.0, p_a - p_b + half),
        level=level,
        method="adjusted wald, paired",
        convention={"difference": "a - b", "test": "mcnemar, exact, two-sided"},
        better=better,
        details={"p_value": p_value, "only_a": only_a, "only_b": only_b},
    )


def _means(a: Floats, b: Floats, level: float, better: str | None) -> Measure:
    from scipy.special import stdtr

    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DataError("expected finite numbers, got NaN or infinity: leave such pairs out by id")
    difference = a - b
    n = len(difference)
    mean, error = mean_and_error(difference)
    interval = mean_interval(difference, level=level)
    p_value = None
    if interval.low is not None:
        p_value = 2 * float(stdtr(n - 1, -abs(mean / error)))
    return Measure(
        value=mean,
        n=n,
        low=interval.low,
        high=interval.high,
        level=level,
        method="student t, paired" if interval.low is not None else None,
        convention={"difference": "a - b", "test": "student t, paired, two-sided"},
        better=better,
        details={"p_value": p_value},
    )


def _grouped(
    a: NDArray[Any], b: NDArray[Any], groups: ArrayLike, level: float, better: str | None
) -> Measure:
    from scipy.special import stdtr

    verdicts = a.dtype.kind == "b"
    first, second = (x.astype(np.float64) if verdicts else floats_of(x, "a, b") for x in (a, b))
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise DataError("expected finite numbers, got NaN or infinity: leave such pairs out by id")
    of_groups = SampleGroups.of(first - second, groups)
    mean, error = mean_and_error(first - second)
    count, error = len(of_groups.sizes), max(error, math.sqrt(of_groups.variance()))
    spread = count > 1 and error > 1e-15 * abs(mean)
    details: dict[str, Any] = {"p_value": None, "groups": count}
    if spread:
        details["p_value"] = 2 * float(stdtr(of_groups.freedom, -abs(mean / error)))
    half = of_groups.quantile(level) * error if spread else None
    if verdicts:
        details |= {"only_a": int((a & ~b).sum()), "only_b": int((b & ~a).sum())}
        details["p_value"] = 1.0 if mean == 0 and not spread else details["p_value"]
        # As if one group more had been drawn on either side: near 0 few groups say little.
        draws = of_groups.effective + 2
        half = max(half or 0.0, of_groups.quantile(level) * math.sqrt(2) / draws)
    return Measure(
        value=mean,
        n=len(first),
        low=None if half is None else max(-1.0 if verdicts else -math.inf, mean - half),
        high=None if half is None else min(1.0 if verdicts else math.inf, mean + half),
        level=level,
        method=None if half is None else "student t, paired, grouped",
        convention={"difference": "a - b", "test": "student t of the groups, two-sided"},
        better=better,
        details=details,
    )
