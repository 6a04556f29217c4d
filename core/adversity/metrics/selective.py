"""Risk against coverage: what refusing the least sure answers is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.plot import Plot
from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.predictions import floats_of, verdicts
from adversity.metrics.resampled import resampled_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["augrc", "aurc", "selective_accuracy"]

_POINTS = 200
"""Steps of the curve that is stored, if there are more."""


def aurc(
    scores: ArrayLike,
    correct: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the mean error rate among accepted answers, over all numbers that may be accepted.

    The k surest answers are accepted, k = 1 to N, and the error rates are averaged. Equal scores
    stand in no order: over all their orders the mean is taken, in closed form, so that the order of
    rows says nothing. `details["optimal"]` is the value of a score that has all errors last.

    Args:
        scores: `[N]`, larger = less sure.
        correct: `[N]` booleans.
        groups: `[N]` names or None.
        level: Confidence level of the interval, by draws.

    Raises:
        DataError: The arrays do not fit, or a score is NaN.

    Reference:
        Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-reduced uncertainty estimation for deep neural
        classifiers", 2019. Where we differ: ties.

    Example:
        >>> round(aurc([0.1, 0.2, 0.3, 0.4], [True, True, False, True]).value, 6)
        0.145833
    """
    return _area(scores, correct, groups, level, generalised=False)


def augrc(
    scores: ArrayLike,
    correct: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the mean share of all samples that are accepted and wrong, over all coverages.

    As `aurc`, but errors are counted among all samples: of every error it says how long it went
    unnoticed, where `aurc` weighs those most that are met first. 0.5 times the error rate is what a
    score has that says nothing.

    Args:
        scores: `[N]`, larger = less sure.
        correct: `[N]` booleans.
        groups: `[N]` names or None.
        level: Confidence level of the interval, by draws.

    Raises:
        DataError: The arrays do not fit, or a score is NaN.

    Reference:
        J. Traub, T. J. Bungert, C. T. Luth, M. Baumgartner, K. H. Maier-Hein, L. Maier-Hein, P. F.
        Jaeger, "Overcoming common flaws in the evaluation of selective classification systems", 2024.

    Example:
        >>> augrc([0.1, 0.2, 0.3, 0.4], [True, True, False, True]).value
        0.125
    """
    return _area(scores, correct, groups, level, generalised=True)


def selective_accuracy(
    scores: ArrayLike,
    correct: ArrayLike,
    *,
    refused: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Measure:
    """Return the accuracy of the answers that are left where a share of the least sure is refused.

    Of N answers the floor of `refused` times N are refused. Equal scores stand in no order: where
    some of them are refused and some are not, the mean over all choices is taken.

    Args:
        scores: `[N]`, larger = less sure.
        correct: `[N]` booleans.
        refused: Share that is refused, from 0, which gives the accuracy of all, to below 1.
        groups: `[N]` names or None.
        level: Confidence level of the interval, by draws.

    Returns:
        The accuracy; n is the number of accepted answers.

    Raises:
        DataError: The arrays do not fit, a score is NaN, or the share is none.

    Reference:
        Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", 2017.

    Example:
        >>> selective_accuracy([0.1, 0.2, 0.3, 0.4], [True, True, False, True], refused=0.5).value
        1.0
    """
    values, right = _checked(scores, correct)
    if not 0 <= refused < 1:
        raise DataError(f"expected refused in [0, 1), got {refused}: it is a share of the answers")
    n = len(values)
    # 0.3 * 10 is below 3 by a rounding: a share of whole answers means these.
    accepted = n - int(np.floor(refused * n + 1e-9))
    masses = _masses(values, right)

    def measure(weights: Floats) -> float:
        mass, errors = (np.cumsum(part) for part in masses(weights))
        left = mass[-1] * accepted / n  # whole groups that are drawn are more samples, or fewer
        wrong = np.interp(left, np.insert(mass, 0, 0), np.insert(errors, 0, 0))
        return float(1 - wrong / left)

    bounds = resampled_interval(
        measure, (n,), groups=None if groups is None else (groups,), level=level
    )
    return Measure(
        value=measure(np.ones(n)),
        n=accepted,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        level=level,
        method=None if bounds is None else bounds[2],
        convention={"refused": refused, "ties": "mean over their orders", "among": "accepted"},
        better="higher",
    )


def _checked(scores: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, right = floats_of(scores, "scores"), verdicts(correct, "correct")
    if values.shape != right.shape or not len(values) or np.isnan(values).any():
        raise DataError(
            f"expected scores and correct [N] with N >= 1 and no NaN, got {list(values.shape)} and "
            f"{list(right.shape)} with {int(np.isnan(values).sum())} NaN"
        )
    return values, right


def _masses(values: Floats, right: NDArray[np.bool_]) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return what gives, of weights `[N]`, samples and errors of each score, from the surest on."""
    _, ranks = np.unique(values, return_inverse=True)
    count, wrong = int(ranks.max()) + 1, (~right).astype(np.float64)

    def masses(weights: Floats) -> tuple[Floats, Floats]:
        parts = (np.bincount(ranks, part, minlength=count) for part in (weights, weights * wrong))
        mass, errors = (part.astype(np.float64) for part in parts)
        return mass, errors

    return masses


def _area(
    scores: ArrayLike,
    correct: ArrayLike,
    groups: ArrayLike | None,
    level: float,
    *,
    generalised: bool,
) -> Measure:
    values, right = _checked(scores, correct)
    masses = _masses(values, right)

    def measure(weights: Floats) -> float:
        return _mean_risk(*masses(weights), generalised=generalised)

    n, wrong = len(values), (~right).astype(np.float64)
    bounds = resampled_interval(
        measure, (n,), groups=None if groups is None else (groups,), level=level
    )
    best = np.array([n - wrong.sum(), wrong.sum()])
    accepted, errors = (np.cumsum(part) for part in masses(np.ones(n)))
    risk = errors / (n if generalised else accepted)
    keep = np.arange(len(accepted))
    if len(keep) > _POINTS:
        keep = np.linspace(0, len(keep) - 1, _POINTS).astype(int)
    name = "share that is accepted and wrong" if generalised else "error rate among accepted"
    plot = Plot("line", (accepted[keep] / n).tolist(), risk[keep].tolist(), "coverage", name)
    return Measure(
        value=measure(np.ones(n)),
        n=n,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        level=level,
        method=None if bounds is None else bounds[2],
        convention={
            "mean": "over the k surest, k = 1 to n",
            "ties": "mean over their orders",
            "risk": "errors by all samples" if generalised else "errors by accepted ones",
        },
        better="lower",
        details={
            "optimal": _mean_risk(best, np.array([0.0, wrong.sum()]), generalised=generalised),
            "plot": plot.as_json(),
        },
    )


def _mean_risk(mass: Floats, errors: Floats, *, generalised: bool) -> float:
    """Average the risk over all coverages, of groups of equal scores from the surest on.

    Of each group is known how many samples it has and how many of them are errors. At place j of a group with m samples and e errors, behind M samples with E errors, E + e j / m
    errors are expected. The sum of (E + r j) / (M + j) with r = e / m is r m + (E - r M)
    (H(M + m) - H(M)), with the harmonic numbers H.

    Args:
        mass: `[G]` samples of each group, whole numbers.
        errors: `[G]` errors of each.
        generalised: Whether errors are counted among all samples.
    """
    from scipy.special import digamma

    some = mass > 0
    mass, errors = mass[some], errors[some]
    before, wrong = np.cumsum(mass) - mass, np.cumsum(errors) - errors
    rate, total = errors / mass, mass.sum()
    if generalised:
        areas = mass * wrong + rate * mass * (mass + 1) / 2
        return float(areas.sum() / total**2)
    harmonic = digamma(before + mass + 1) - digamma(before + 1)
    return float((errors + (wrong - rate * before) * harmonic).sum() / total)
