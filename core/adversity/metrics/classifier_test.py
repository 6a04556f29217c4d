"""Whether a classifier tells two tables of features apart: a test, and what the two differ in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.grouped import grouped_interval
from adversity.metrics.intervals import wilson
from adversity.metrics.two_sides import TwoSides, counted, two_feature_tables

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from adversity.metrics.predictions import Floats
    from adversity.metrics.two_sides import Flags

__all__ = ["classifier_test"]


def classifier_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    penalty: float = 1.0,
    permutations: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Measure:
    """Return how often logistic regression says right of held-out samples from which side they are.

    It learns from half of the samples of each side, and is asked about the others. The accuracy is
    the mean over both sides, so that chance is 0.5 whatever their sizes; an answer that leans to
    neither side counts half. Features are standardised by the half that it learns from, and the
    sides weigh the same.

    Args:
        first: `[n, D]` features, or `[n]`.
        second: `[m, D]`.
        groups: Names of either side, `[n]` and `[m]`, None for a sample that is a group of its own.
            A group is held out as a whole, and so is what is named on both sides.
        penalty: What half the sum of squared weights counts beside the sum of log losses, above 0.
        permutations: Of which the p-value is counted.
        level: Confidence level.
        seed: Of the halves and the permutations.

    Returns:
        The measure. `details["p_value"]` counts, among ways to deal the held-out samples anew, those
        that the classifier gets right as often: (b + 1) / (permutations + 1). It never falls below
        what is allowed: of equal distributions at most a share p has a p-value of p or less.

    Raises:
        DataError: The tables do not fit, or a side has too few samples or groups for two halves.

    Reference:
        D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", 2017; R. G. Newcombe,
        "Interval estimation for the difference between independent proportions: comparison of
        eleven methods", 1998, for the interval from one of each side (added up, without the root,
        where something is on both). Where we differ: balanced accuracy; permutations of the
        held-out samples in place of the normal approximation, since these allow for groups.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = classifier_test(rng.normal(0, 1, 80), rng.normal(3, 1, 80))
        >>> found.value > 0.85, found.details["p_value"]
        (True, 0.001)
    """
    a, b = two_feature_tables(first, second, permutations)
    if not 0 < penalty < math.inf:
        raise DataError(f"expected a penalty above 0, got {penalty}")
    rng = np.random.Generator(np.random.Philox(seed))
    sides = TwoSides.of((len(a), len(b)), groups)
    held = sides.halves(rng)
    for half in (held, ~held):
        if min((half & sides.second).sum(), (half & ~sides.second).sum()) < 1:
            raise DataError(
                "expected samples of both sides in either half, got a side that is one group alone: "
                "test more groups"
            )
    rows = np.concatenate([a, b])
    said = _said(rows[~held], sides.second[~held], rows[held], penalty)
    asked = TwoSides(np.unique(sides.units[held], return_inverse=True)[1], sides.second[held])
    deals = np.concatenate([asked.second[:, None], asked.dealt(permutations, rng)], axis=1)
    found = _balanced(said, deals)
    low, high, method = _interval(said, asked, level)
    return Measure(
        value=float(found[0]),
        n=len(rows),
        low=low,
        high=high,
        level=level,
        method=method,
        convention={
            "classifier": f"logistic regression, penalty {penalty:g}, standardised features",
            "accuracy": "mean over both sides, of the held-out half",
            "test": f"{permutations} permutations of it: {asked.said()}; (b + 1) / (m + 1)",
        },
        details={
            "p_value": counted(float(found[0]), found[1:]),
            "held_out": len(said),
            "permutations": permutations,
            "seed": seed,
        },
    )


def _said(rows: Floats, second: Flags, others: Floats, penalty: float) -> Floats:
    """Learn from rows, and return of others 1 for second, 0 for first, 0.5 for neither, `[M]`."""
    from scipy.optimize import minimize
    from scipy.special import expit

    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread == 0] = np.inf  # what does not vary tells nothing
    x = (rows - middle) / spread
    target = second.astype(np.float64)
    share = target.mean()
    counts = np.where(second, 0.5 / share, 0.5 / (1 - share))

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = x @ weights[:-1] + weights[-1]
        wrong = counts * (expit(score) - target)
        value = counts @ (np.logaddexp(0.0, score) - target * score)
        gradient = np.append(x.T @ wrong + penalty * weights[:-1], wrong.sum())
        return float(value + penalty / 2 * weights[:-1] @ weights[:-1]), gradient

    start = np.zeros(x.shape[1] + 1)
    steps = {"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=steps)
    score = ((others - middle) / spread) @ found.x[:-1] + found.x[-1]
    verdicts: Floats = (1 + np.sign(score)) / 2
    return verdicts


def _balanced(said: Floats, deals: Flags) -> Floats:
    """Return the mean of both sides' accuracies for each way to deal the rows, `[B]`."""
    is_second = deals.astype(np.float64)
    m = is_second.sum(axis=0)
    n = len(said) - m
    hits = said @ is_second
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (hits / m + (n - said.sum() + hits) / n) / 2
    found[(n < 1) | (m < 1)] = np.nan
    return found


def _interval(said: Floats, sides: TwoSides, level: float) -> tuple[float, float, str]:
    """Return bounds and method for the mean of both sides' accuracies."""
    value, below, above = 0.0, [], []
    single = bool((sides.sizes <= 1).all())
    for right, side in ((1 - said, ~sides.second), (said, sides.second)):
        # An answer that leans to neither side counts as wrong in one bound, as right in the other.
        bounds = []
        for verdicts in (right[side] == 1, right[side] > 0):
            share, n = float(verdicts.mean()), len(verdicts)
            low, high = wilson(round(share * n), n, level=level)
            if not single:
                wide = grouped_interval(verdicts, sides.units[side], level=level)
                low, high = (low, high) if wide is None else wide[:2]
            bounds.append((low, high))
        mean = float(right[side].mean())
        value += mean / 2
        below.append(max(0.0, mean - bounds[0][0]))
        above.append(max(0.0, bounds[1][1] - mean))
    # Of independent sides the squares add up; where something is on both, this always holds.
    join = sum if sides.shared else lambda parts: math.hypot(*parts)
    method = "newcombe, wilson" + ("" if single and not sides.shared else ", grouped")
    return max(0.0, value - join(below) / 2), min(1.0, value + join(above) / 2), method
