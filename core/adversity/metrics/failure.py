"""How far, and how many queries, to the nearest failure: medians and whole curves.

A search that found nothing says that no failure is near, not that its sample may be left out:
its distance is infinite and stays in the median and in the curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.grouped import are_grouped, grouped_quantile
from adversity.metrics.intervals import share
from adversity.metrics.predictions import floats_of, verdicts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["failure_distance", "failures_found", "median_interval", "query_count"]

POINTS = 60
"""A curve has at most so many points: as many as a plot of a report can show."""


def median_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the distribution-free interval of a median: two order statistics.

    Its coverage is at least `level` where n is large enough to have it, else the range.

    Args:
        values: `[N]` numbers, N >= 1; infinite ones are allowed.
        level: Confidence level.

    Reference: David, Nagaraja, "Order statistics", 2003, section 7.1.

    Example:
        >>> median_interval([5, 1, 2, 4, 3, 6])
        (1.0, 6.0)
    """
    from scipy.stats import binom

    ordered = np.sort(floats_of(values, "values"))
    below = max(int(binom.ppf((1 - level) / 2, len(ordered), 0.5)), 1)
    return float(ordered[below - 1]), float(ordered[len(ordered) - below])


def failure_distance(
    distances: ArrayLike, *, norm: str, groups: ArrayLike | None = None, level: float = 0.95
) -> Measure | None:
    """Return the median distance to the nearest failure that was found.

    Args:
        distances: `[N]`, 0 where the answer was wrong from the start, infinite where no failure
            was found.
        norm: What they are measured in; goes into the convention.
        groups: `[N]` names or None, where samples come in groups; then the interval allows for it.
        level: Confidence level of the interval.

    Returns:
        The measure, or None where the median is infinite. `details` holds the share of images
        that are robust at a distance: no failure was found so near, or nearer.

    Raises:
        DataError: If a distance is negative or not a number.

    Example:
        >>> failure_distance([0.0, 0.5, 1.0], norm="l2").value
        0.5
    """
    values = _distances(distances)
    convention = {"norm": norm, "nothing found": "infinite"}
    return _median(values, groups, level, _curve(values), convention)


def failures_found(distances: ArrayLike, *, norm: str, level: float = 0.95) -> Measure:
    """Return the share of images that have a failure at any distance: it is never missing.

    Args:
        distances: As for `failure_distance`.
        norm: What they are measured in; goes into the convention.
        level: Confidence level of the Wilson interval.

    Returns:
        The measure; `details` holds the same curve as that of `failure_distance`, also where
        most images have no failure and there is no median.

    Raises:
        DataError: If a distance is negative or not a number.

    Example:
        >>> failures_found([0.0, 0.5, float("inf"), float("inf")], norm="l2").value
        0.5
    """
    values = _distances(distances)
    return share(
        int(np.isfinite(values).sum()),
        len(values),
        level=level,
        better="lower",
        convention={"norm": norm, "wrong from the start": "found, at 0"},
        details=_curve(values),
    )


def _distances(distances: ArrayLike) -> NDArray[np.float64]:
    values = floats_of(distances, "distances")
    if values.ndim != 1 or not len(values) or not (values >= 0).all():
        raise DataError("expected at least one distance, each 0 or more, got others")
    return values


def _curve(values: NDArray[np.float64]) -> dict[str, Any]:
    points = _points(values[np.isfinite(values)])
    return {
        "distance": points,
        "robust": [float((values > at).mean()) for at in points],
        "not_found": int(np.isinf(values).sum()),
    }


def query_count(
    start_correct: ArrayLike,
    fooled: ArrayLike,
    solved_at: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure | None:
    """Return the median number of queries after which a black-box attack had a sample.

    Args:
        start_correct: `[N]` booleans, right on the images the attack started from.
        fooled: `[N]` booleans, wrong on the adversarial image.
        solved_at: `[N]` integers, the query that first had it; 0 for none.
        groups: `[N]` names or None, where samples come in groups; then the interval allows for it.
        level: Confidence level of the interval.

    Returns:
        The measure over the images that were right at first, those that withstood with
        infinitely many; None where the median is infinite or nothing was right. `details` holds
        the robust accuracy after so many queries.

    Raises:
        DataError: If the arrays do not fit.

    Example:
        >>> query_count([True, True, True], [True, True, True], [3, 1, 8]).value
        3.0
    """
    start, fell = verdicts(start_correct, "start_correct"), verdicts(fooled, "fooled")
    at = floats_of(solved_at, "solved_at")
    if not len(start) == len(fell) == len(at):
        raise DataError(
            f"expected three columns of one length, got {len(start)}, {len(fell)} and {len(at)}"
        )
    if not start.any():
        return None
    asked = np.where(fell & (at > 0), at, np.inf)
    points = _points(asked[start & np.isfinite(asked)])
    curve = {
        "queries": points,
        "robust": [float((start & (asked > count)).mean()) for count in points],
    }
    return _median(
        asked[start],
        None if groups is None else np.asarray(groups, dtype=object)[start],
        level,
        curve,
        {"over": "images that were right at first", "withstood": "infinite"},
    )


def _points(values: NDArray[np.float64]) -> list[float]:
    """Return where a step curve changes, from 0 on; thinned out to as many as a plot shows."""
    points = np.unique(np.append(values, 0.0))
    if len(points) > POINTS:
        points = points[np.linspace(0, len(points) - 1, POINTS).round().astype(int)]
    return [float(value) for value in points]


def _median(
    values: NDArray[np.float64],
    groups: ArrayLike | None,
    level: float,
    details: dict[str, Any],
    convention: dict[str, Any],
) -> Measure | None:
    middle = float(np.median(values))
    if not np.isfinite(middle):
        return None
    method = "order statistics"
    if groups is not None and are_grouped(groups):
        low, high = grouped_quantile(values, groups, 0.5, level=level)
        low, high, method = max(0.0, min(low, middle)), max(high, middle), "woodruff, grouped"
    else:
        low, high = median_interval(values, level)
    known = bool(np.isfinite(high))
    return Measure(
        middle,
        len(values),
        low=low if known else None,
        high=high if known else None,
        level=level,
        method=method if known else None,
        convention=convention,
        better="higher",
        details=details,
    )
