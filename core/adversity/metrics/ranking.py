"""How well a score tells two groups of samples apart: AUROC and the false alarms at 95 %.

`known` are samples of what the model was made for, `unknown` are not; a larger score says
"unknown". An unknown sample is the positive one, so the true positive rate is the share of unknown
samples that are noticed and the false positive rate the share of known ones that are taken for
unknown. Libraries disagree on that, and on which of the two is positive the number depends.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.contracts.plot import Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.auroc_interval import Placements, auroc_interval, twice_wins
from adversity.metrics.grouped import grouped_interval, grouped_quantile
from adversity.metrics.grouped_auroc import grouped_auroc_interval
from adversity.metrics.intervals import check_level, clopper_pearson
from adversity.metrics.predictions import floats_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats

__all__ = ["auroc", "fpr_at_95_tpr"]

_TPR = (19, 20)
"""95 % as a fraction, so that the rank of the threshold is exact."""
_POINTS = 200
"""Steps of the ROC curve that is stored, if there are more."""


def auroc(
    known: ArrayLike,
    unknown: ArrayLike,
    *,
    ids: tuple[ArrayLike, ArrayLike] | None = None,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the chance that an unknown sample has a larger score than a known one, ties half.

    The interval is DeLong's on the logit scale where the smaller group has 10 samples or more on
    either side (`min(n) * min(AUROC, 1 - AUROC)`). Else, as at an AUROC of 1, few samples decide
    and their variance says nothing of those that were not drawn; then it is Wilson's for a share
    of as many samples as the smaller group has, since the variance of AUROC is at most
    `AUROC (1 - AUROC) / min(n)`, whatever the scores look like.

    Of a sample that is in both groups, such as an image and what a degradation made of it, the
    two scores depend on each other. Say by `ids` which they are: their covariance enters DeLong's
    variance, and where few samples decide the interval is Chernoff's for half as many samples as
    the smaller group has, which holds whatever the scores have in common.

    Args:
        known: `[N]` scores of what the model was made for.
        unknown: `[M]` scores of what it was not made for.
        ids: Of the known and of the unknown samples, N and M, each once in its group; one that
            both have is the same sample. None where all samples are independent.
        groups: Of the known and of the unknown samples, N and M names: one name is one group,
            whose samples are not independent, on whichever side. Where given, the interval is that
            of `adversity.metrics.grouped_auroc`.
        level: Confidence level.

    Returns:
        The area under the ROC curve of N + M scores; `details` hold the numbers of both groups
        and of samples in both, and the curve.

    Raises:
        DataError: A group is empty, a score is NaN, or the ids are not one for each score.

    Reference:
        E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more
        correlated receiver operating characteristic curves", 1988; M. S. Pepe, "The statistical
        evaluation of medical tests for classification and prediction", 2003 (the logit); D. van
        Dantzig, "On the consistency and the power of Wilcoxon's two sample test", 1951 (the
        bound); N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", 1997 (the
        covariance); W. Hoeffding, "Probability inequalities for sums of bounded random
        variables", 1963, theorem 1 and section 5 (few samples, some in both groups).

    Example:
        >>> auroc([0.1, 0.2, 0.3], [0.3, 0.4]).value
        0.9166666666666666
    """
    low_scores, high_scores = _scores(known, "known"), _scores(unknown, "unknown")
    n, m = len(low_scores), len(high_scores)
    check_level(level)
    value = int(twice_wins(high_scores, low_scores).sum()) / (2 * n * m)
    placed = Placements.of(low_scores, high_scores, ids)
    low, high, method = (
        auroc_interval(value, placed, level)
        if groups is None
        else grouped_auroc_interval(value, placed, groups, level)
    )
    fpr, tpr = _curve(low_scores, high_scores)
    plot = Plot("steps", fpr, tpr, "false positive rate", "true positive rate")
    return Measure(
        value=value,
        n=n + m,
        low=low,
        high=high,
        level=level,
        method=method,
        convention={"positive": "unknown", "ties": "count half"},
        better="higher",
        details={"known": n, "unknown": m, "in_both": len(placed.own), "plot": plot.as_json()},
    )


def fpr_at_95_tpr(
    known: ArrayLike,
    unknown: ArrayLike,
    *,
    positive: Literal["unknown", "known"] = "unknown",
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the share of known samples taken for unknown where 95 % of the unknown are noticed.

    Or, with the known ones as positive, the share of unknown samples that pass where 95 % of the
    known are let through: the field's tables have the one or the other, and call both FPR95. On the
    same scores they are two numbers, 0.85 and 0.60 for example.

    The threshold is the largest score that 95 % of the unknown samples reach, ties together. It is
    estimated, too: the interval goes from the Clopper-Pearson bound at a threshold that is surely
    too high to the one at a threshold that is surely too low, by order statistics. Its coverage is
    never below `level`, whatever samples the groups have in common. With fewer than 86 unknown
    samples no threshold is surely too low at 95 %, and the upper bound is 1.

    Args:
        known: `[N]` scores of what the model was made for.
        unknown: `[M]` scores of what it was not made for.
        positive: Which samples the 95 % are of.
        groups: Of the known and of the unknown samples, N and M names or None. Where given, the
            threshold's bounds are Woodruff's, and those of the share Wilson's, both for groups.
        level: Confidence level.

    Returns:
        The false positive rate over N samples, or over M; `details` hold the threshold.

    Raises:
        DataError: A group is empty, or a score is NaN.

    Example:
        >>> fpr_at_95_tpr([0.1, 0.2, 0.3, 0.4], [0.35, 0.5, 0.6]).value
        0.25
    """
    if positive == "known":
        # The same with the sides exchanged and the scores turned round.
        turned = None if groups is None else groups[::-1]
        sides = -_scores(unknown, "unknown"), -_scores(known, "known")
        measure = fpr_at_95_tpr(*sides, groups=turned, level=level)
        said = {
            "positive": "known",
            "threshold": "smallest score that at least 95 % of the known do not exceed",
        }
        details = {"known": measure.details["unknown"]}
        threshold = measure.details["threshold"]
        details["threshold"] = -threshold if isinstance(threshold, float) else threshold
        return replace(measure, convention=said, details=details)
    low_scores, ranked = _scores(known, "known"), np.sort(_scores(unknown, "unknown"))
    check_level(level)
    n, m = len(low_scores), len(ranked)
    missed = m - -(-m * _TPR[0] // _TPR[1])
    above = _reaching(low_scores, ranked[missed])
    if groups is None:
        low, high, method = _independent(low_scores, ranked, level)
    else:
        low, high, method = _in_groups(low_scores, floats_of(unknown, "unknown"), groups, level)
    return Measure(
        value=above / n,
        n=n,
        low=min(low, above / n),
        high=max(high, above / n),
        level=level,
        method=method,
        convention={
            "positive": "unknown",
            "threshold": "largest score that at least 95 % of the unknown reach",
        },
        better="lower",
        details={"unknown": m, "threshold": _finite(float(ranked[missed]))},
    )


def _independent(known: Floats, ranked: Floats, level: float) -> tuple[float, float, str]:
    """Return bounds and method for independent samples, the unknown scores in order."""
    from scipy.special import bdtr, bdtrc

    n, m = len(known), len(ranked)
    # The 5 % quantile of the unknown lies between two of them, but for this share on each side.
    tail, share = (1 - level) / 4, 1 - _TPR[0] / _TPR[1]
    counts = np.arange(m)
    lower = int((bdtr(counts, m, share) <= tail).sum()) - 1
    upper = int((bdtrc(counts, m, share) > tail).sum())
    least = _reaching(known, ranked[upper]) if upper < m else 0
    most = _reaching(known, ranked[lower]) if lower >= 0 else n
    bounds = 1 - 2 * tail  # of Clopper and Pearson: the same share on each side
    return (
        clopper_pearson(least, n, bounds)[0],
        clopper_pearson(most, n, bounds)[1],
        "order statistics and clopper-pearson",
    )


def _in_groups(
    known: Floats, unknown: Floats, groups: tuple[ArrayLike, ArrayLike], level: float
) -> tuple[float, float, str]:
    """Return bounds and method for samples in groups: the same, with intervals for groups."""
    bounds = 1 - (1 - level) / 2  # half of what may be missed, for the threshold and for the share
    lower, upper = grouped_quantile(unknown, groups[1], 1 - _TPR[0] / _TPR[1], level=bounds)
    ends = [grouped_interval(known >= at, groups[0], level=bounds) for at in (upper, lower)]
    low, high = (0.0 if ends[0] is None else ends[0][0], 1.0 if ends[1] is None else ends[1][1])
    return low, high, "woodruff and wilson, grouped"


def _scores(values: ArrayLike, name: str) -> Floats:
    scores = floats_of(values, name)
    if scores.ndim != 1 or not len(scores):
        raise DataError(f"expected {name} scores [N] with N >= 1, got shape {list(scores.shape)}")
    wrong = np.flatnonzero(np.isnan(scores))
    if len(wrong):
        raise DataError(
            f"expected a score for each {name} sample, got NaN in row {wrong[0]} and {len(wrong)} "
            "in all: a sample without one cannot be ranked; leave such rows out by name"
        )
    return scores


def _reaching(scores: Floats, threshold: float) -> int:
    return int((scores >= threshold).sum())


def _curve(known: Floats, unknown: Floats) -> tuple[list[float], list[float]]:
    """Return the ROC curve as steps: the best true positive rate at each false positive rate."""
    thresholds = np.unique(np.concatenate([known, unknown]))[::-1]
    fpr, tpr = (
        np.insert(len(scores) - np.searchsorted(np.sort(scores), thresholds), 0, 0) / len(scores)
        for scores in (known, unknown)
    )
    levels = np.unique(fpr)
    if len(levels) > _POINTS:
        levels = np.arange(_POINTS + 1) / _POINTS
    last = np.searchsorted(fpr, levels, side="right") - 1
    return levels.tolist(), tpr[last].tolist()


def _finite(value: float) -> Any:
    """Return a number as JSON has it: an infinite one as text."""
    return value if math.isfinite(value) else str(value)
