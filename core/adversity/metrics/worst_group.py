"""The sub-population on which a model is worst, with intervals that allow for having looked at all.

The smallest of many estimates is small by chance, too: of ten groups of 30 samples with one and the
same accuracy of 0.9, the worst one shows 0.81 on average. So each group's interval is that of a level
at which, with `level`, all hold at once (Bonferroni), and then the smallest true accuracy lies between
the smallest lower and the smallest upper bound, whichever group has it. Student's interval of a
gap between confidence and accuracy is too short where nearly all is right, and the more so the higher
the level: it is never taken for less than that of the accuracy alone.

Reference: S. Sagawa, P. W. Koh, T. B. Hashimoto, P. Liang, "Distributionally robust neural networks
for group shifts", 2020 (worst-group accuracy); C. J. Clopper, E. S. Pearson, "The use of confidence
or fiducial limits illustrated in the case of the binomial", 1934, whose intervals hold their level
however small it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.grouped import are_grouped, grouped_interval
from adversity.metrics.intervals import check_level, clopper_pearson, mean_interval
from adversity.metrics.predictions import floats_of, verdicts, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["worst_group_accuracy", "worst_group_gap"]

_MOST = 1000
"""More sub-populations than these are ids, or times of the day."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A sub-population: its name, how many samples, the mean of their values, and bounds."""

    name: str
    n: int
    value: float
    low: float
    high: float

    def as_json(self, what: str) -> dict[str, Any]:
        return {
            "group": self.name,
            "n": self.n,
            what: self.value,
            "low": self.low,
            "high": self.high,
        }


def worst_group_accuracy(
    correct: ArrayLike,
    names: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    at_least: int = 1,
    level: float = 0.95,
) -> Measure | None:
    """Return the accuracy in the sub-population where it is lowest.

    Args:
        correct: `[N]` booleans.
        names: `[N]`, the sub-population of each sample; None for a sample that is in none.
        groups: `[N]` names of what is not independent, such as videos; None where nothing is said.
        at_least: Sub-populations of fewer samples are left out; the convention says how many.
        level: With which all intervals hold at once.

    Returns:
        The measure. Its interval is of the smallest true accuracy, whichever sub-population has it;
        `details["groups"]` holds all, the worst first, each with its interval. None where all are
        left out.

    Raises:
        DataError: The arrays do not fit, or there are more than 1000 sub-populations.

    Example:
        >>> found = worst_group_accuracy([True, True, True, False], ["sea", "sea", "land", "land"])
        >>> found.value, [group["group"] for group in found.details["groups"]]
        (0.5, ['land', 'sea'])
    """
    right = verdicts(correct, "correct")
    found, said = _by_group(right, None, names, groups, at_least, level)
    if not found:
        return None
    found.sort(key=lambda group: (group.value, group.low, group.name))
    return _measure(
        found,
        "accuracy",
        (min(group.low for group in found), min(group.high for group in found)),
        _method("clopper-pearson", "wilson", groups),
        level,
        {"value": "the smallest of all", **said},
    )


def worst_group_gap(
    confidence: ArrayLike,
    correct: ArrayLike,
    names: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    at_least: int = 1,
    level: float = 0.95,
) -> Measure | None:
    """Return mean confidence minus accuracy where that is farthest from 0: above 0, too sure.

    Args:
        confidence: `[N]` in [0, 1].
        correct: `[N]` booleans.
        names: `[N]`, the sub-population of each sample; None for a sample that is in none.
        groups: `[N]` names of what is not independent; None where nothing is said.
        at_least: Sub-populations of fewer samples are left out; the convention says how many.
        level: With which all intervals hold at once.

    Returns:
        The measure, with its sub-population's interval; `details["groups"]` holds all, the farthest
        from 0 first. None where all are left out.

    Raises:
        DataError: The arrays do not fit, or there are more than 1000 sub-populations.

    Example:
        >>> worst_group_gap([0.8, 0.8, 0.6, 0.6], [True, False, True, True], list("aabb")).value
        -0.4
    """
    sure, right = floats_of(confidence, "confidence"), verdicts(correct, "correct")
    if sure.shape != right.shape:
        raise DataError(f"expected as many confidences as verdicts, {len(right)}, got {len(sure)}")
    found, said = _by_group(right, sure, names, groups, at_least, level)
    if not found:
        return None
    found.sort(key=lambda group: (-abs(group.value), -group.value, group.name))
    return _measure(
        found,
        "confidence_gap",
        (found[0].low, found[0].high),
        _method("student t or clopper-pearson", "student t or wilson", groups),
        level,
        {"difference": "mean confidence - accuracy", "value": "the farthest from 0", **said},
    )


def _measure(
    found: Sequence[_Group],
    what: str,
    bounds: tuple[float, float],
    method: str,
    level: float,
    convention: dict[str, Any],
) -> Measure:
    return Measure(
        value=found[0].value,
        n=sum(group.n for group in found),
        low=bounds[0],
        high=bounds[1],
        level=level,
        method=method,
        convention=convention,
        details={"groups": [group.as_json(what) for group in found]},
    )


def _method(single: str, of_groups: str, groups: ArrayLike | None) -> str:
    return (
        f"{of_groups}, of all at once, grouped"
        if are_grouped(groups)
        else f"{single}, of all at once"
    )


def _by_group(
    right: NDArray[np.bool_],
    sure: NDArray[np.float64] | None,
    names: ArrayLike,
    groups: ArrayLike | None,
    at_least: int,
    level: float,
) -> tuple[list[_Group], dict[str, Any]]:
    """Return each sub-population with an interval, and what was left out.

    Where there are confidences, it is the gap between these and the accuracy.
    """
    check_level(level)
    whole_number(at_least, "at_least", low=1)
    named = np.asarray(names, dtype=object)
    if named.shape != right.shape:
        raise DataError(
            f"expected a sub-population, or None, for each of {len(right)} samples, got {len(named)}"
        )
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(named.tolist()):
        if name is not None:
            rows.setdefault(str(name), []).append(at)
    if len(rows) > _MOST:
        raise DataError(
            f"expected at most {_MOST} sub-populations, got {len(rows)}: name attributes with fewer "
            "values"
        )
    large = {name: places for name, places in rows.items() if len(places) >= at_least}
    of = None if groups is None or not are_grouped(groups) else np.asarray(groups, dtype=object)
    each = 1 - (1 - level) / max(1, len(large))
    found = []
    for name, places in large.items():
        own = None if of is None else of[places]
        value, (low, high) = float(right[places].mean()), _bounds(right[places], own, each)
        if sure is not None:
            value, low, high = _gap(sure[places], right[places], own, each)
        found.append(_Group(name, len(places), value, low, high))
    said: dict[str, Any] = {"sub-populations": len(large)}
    if len(large) < len(rows):
        said["left_out"] = f"{len(rows) - len(large)} of fewer than {at_least} samples"
    return found, said


def _bounds(
    right: NDArray[np.bool_], groups: NDArray[Any] | None, level: float
) -> tuple[float, float]:
    """Return bounds of the share that is right."""
    if groups is None:
        return clopper_pearson(int(right.sum()), len(right), level)
    wide = grouped_interval(right, groups, level=level)
    return (0.0, 1.0) if wide is None else wide[:2]


def _gap(
    sure: NDArray[np.float64], right: NDArray[np.bool_], groups: NDArray[Any] | None, level: float
) -> tuple[float, float, float]:
    """Return mean confidence minus accuracy with bounds: the wider ones of two, on either side."""
    gaps = sure - right
    value, (least, most) = float(gaps.mean()), _bounds(right, groups, level)
    low, high = float(sure.mean()) - most, float(sure.mean()) - least
    if groups is None:
        whole = mean_interval(gaps, level=level)
        student = None if whole.low is None or whole.high is None else (whole.low, whole.high)
    else:
        wide = grouped_interval(gaps, groups, level=level)
        student = None if wide is None else wide[:2]
    if student is not None:
        low, high = min(low, student[0]), max(high, student[1])
    return value, max(-1.0, min(low, value)), min(1.0, max(high, value))
