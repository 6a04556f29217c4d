"""AUROC and the false alarms at 95 %: scikit-learn, SciPy, brute force, coverage in simulations."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, mannwhitneyu, norm
from sklearn.metrics import roc_auc_score, roc_curve

from adversity import Plot, metrics
from adversity.errors import DataError

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


def drawn(rng: np.random.Generator, n: int, m: int, truth: float, spread: float = 1.0):
    """Draw known ~ N(0, 1) and unknown ~ N(d, spread) whose AUROC is `truth`."""
    distance = norm.ppf(truth) * np.hypot(1, spread)
    return rng.normal(0, 1, n), rng.normal(distance, spread, m)


def labelled(known, unknown) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (unknown is positive) and scores, as scikit-learn has them."""
    return np.repeat([0, 1], [len(known), len(unknown)]), np.concatenate([known, unknown])


@settings(max_examples=200, deadline=None)
@given(known=SCORES, unknown=SCORES)
def test_auroc_is_the_share_of_pairs(known: list[float], unknown: list[float]) -> None:
    """Over all pairs, with many ties, a win counts one and a tie half: exactly that fraction."""
    pairs = list(itertools.product(known, unknown))
    twice = sum(2 * (u > k) + (u == k) for k, u in pairs)
    measure = metrics.auroc(known, unknown)
    assert measure.value == twice / (2 * len(pairs))
    assert measure.low is not None
    assert measure.high is not None
    assert 0 <= measure.low <= measure.value <= measure.high <= 1


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_auroc_is_that_of_scikit_learn_and_scipy(decimals: int) -> None:
    """With ties and without it is theirs (1e-12: they add in another order)."""
    rng = np.random.default_rng(decimals)
    known, unknown = (np.round(x, decimals) for x in drawn(rng, 300, 170, 0.8))
    value = metrics.auroc(known, unknown).value
    assert value == pytest.approx(roc_auc_score(*labelled(known, unknown)), abs=1e-12)
    u = mannwhitneyu(unknown, known).statistic
    assert value == pytest.approx(u / (300 * 170), abs=1e-12)


@pytest.mark.parametrize(("mean", "spread", "truth"), [(1.5, 1, 0.855578), (1.5, 2, 0.748833)])
def test_auroc_of_two_normals(mean: float, spread: float, truth: float) -> None:
    """Phi(mean / sqrt(1 + spread^2)), within the interval of 20 000 samples."""
    assert norm.cdf(mean / np.hypot(1, spread)) == pytest.approx(truth, abs=1e-6)
    rng = np.random.default_rng(1)
    measure = metrics.auroc(rng.normal(0, 1, 10_000), rng.normal(mean, spread, 10_000))
    assert measure.low is not None
    assert measure.high is not None
    assert measure.low < truth < measure.high
    assert measure.high - measure.low < 0.02


def test_delongs_variance_by_hand() -> None:
    """The variances of the two kinds of placements, over their numbers, on the logit scale.

    DeLong's components written out as in the paper: psi is 1, 1/2 or 0 for each pair.
    """
    rng = np.random.default_rng(3)
    known, unknown = (np.round(x, 1) for x in drawn(rng, 80, 60, 0.7))
    psi = (unknown[:, None] > known) + 0.5 * (unknown[:, None] == known)
    error = np.sqrt(psi.mean(1).var(ddof=1) / 60 + psi.mean(0).var(ddof=1) / 80)
    value = psi.mean()
    middle, half = np.log(value / (1 - value)), 1.959963984540054 * error / (value * (1 - value))
    measure = metrics.auroc(known, unknown)
    assert measure.method == "delong, logit"
    expected = 1 / (1 + np.exp(-np.array([middle - half, middle + half])))
    np.testing.assert_allclose([measure.low, measure.high], expected, atol=1e-12)


def test_perfect_separation_has_an_interval() -> None:
    """At 1 it is Wilson's of as many successes as the smaller group has samples, and at 0 too."""
    known, unknown = np.arange(50.0), np.arange(100.0, 120.0)
    best, worst = metrics.auroc(known, unknown), metrics.auroc(unknown, known)
    assert (best.value, worst.value) == (1, 0)
    assert (best.low, best.high) == metrics.wilson(20, 20)
    assert (worst.low, worst.high) == metrics.wilson(0, 20)
    assert best.method == "wilson, the smaller group"


def test_all_tied_is_one_half() -> None:
    """A score that is one number for all tells nothing: .5, with an interval around it."""
    measure = metrics.auroc(np.zeros(30), np.zeros(20))
    assert measure.value == 0.5
    assert (measure.low, measure.high) == metrics.wilson(10, 20)


@pytest.mark.parametrize(
    ("n", "m", "truth", "spread", "digits"),
    [
        (100, 100, 0.9, 1.0, None),
        (100, 100, 0.75, 1.0, 0),
        (500, 50, 0.9, 3.0, None),
        (50, 500, 0.97, 1 / 3, None),
        (1000, 20, 0.97, 3.0, None),
        (20, 200, 0.99, 1 / 3, None),
        (20, 20, 0.5, 1.0, None),
    ],
)
def test_intervals_hold_their_level(
    n: int, m: int, truth: float, spread: float, digits: int | None
) -> None:
    """At least 93 % of 600 intervals hold the truth, with ties, unlike spreads, few samples.

    A method of exactly 95 % stays above 93 % with a chance of .98 (three of the lines are
    conservative); DeLong alone has 69 % and 78 % in the fifth and sixth line, Newcombe's method 5
    83 % in the third.
    """
    rng = np.random.default_rng(n + m)
    hits = 0
    if digits is not None:  # of rounded scores: the truth from very many
        many = (np.round(x, digits) for x in drawn(rng, 400_000, 400_000, truth, spread))
        truth = metrics.auroc(*many).value
    for _ in range(600):
        known, unknown = drawn(rng, n, m, truth if digits is None else 0.75, spread)
        if digits is not None:
            known, unknown = np.round(known, digits), np.round(unknown, digits)
        measure = metrics.auroc(known, unknown)
        assert measure.low is not None
        assert measure.high is not None
        hits += measure.low <= truth <= measure.high
    assert hits >= 0.93 * 600


@settings(max_examples=200, deadline=None)
@given(known=SCORES, unknown=SCORES)
def test_fpr_is_the_least_at_that_true_positive_rate(
    known: list[float], unknown: list[float]
) -> None:
    """Of all thresholds that 95 % of the unknown reach, the one with the fewest known above."""
    reach = [t for t in unknown if 20 * sum(u >= t for u in unknown) >= 19 * len(unknown)]
    expected = min(sum(k >= t for k in known) for t in reach) / len(known)
    measure = metrics.fpr_at_95_tpr(known, unknown)
    assert measure.value == expected
    assert measure.low is not None
    assert measure.high is not None
    assert 0 <= measure.low <= measure.value <= measure.high <= 1


@pytest.mark.parametrize("decimals", [1, 8])
def test_fpr_is_that_of_scikit_learns_curve(decimals: int) -> None:
    """The first point of `roc_curve` with a true positive rate of .95 has this rate."""
    rng = np.random.default_rng(decimals)
    known, unknown = (np.round(x, decimals) for x in drawn(rng, 300, 200, 0.85))
    fpr, tpr, _ = roc_curve(*labelled(known, unknown), drop_intermediate=False)
    expected = fpr[np.argmax(tpr >= 0.95)]
    assert metrics.fpr_at_95_tpr(known, unknown).value == pytest.approx(expected, abs=1e-12)


def test_fpr_says_which_samples_are_positive() -> None:
    """For N(1.5, 2) against N(0, 1) it is .96325 with unknown as positives, .529 the other way."""
    truth = norm.sf(1.5 + 2 * norm.ppf(0.05))
    assert truth == pytest.approx(0.963250, abs=1e-6)
    rng = np.random.default_rng(0)
    measure = metrics.fpr_at_95_tpr(rng.normal(0, 1, 20_000), rng.normal(1.5, 2, 20_000))
    assert measure.low is not None
    assert measure.high is not None
    assert measure.low < truth < measure.high
    assert measure.high - measure.low < 0.03
    assert measure.convention["positive"] == "unknown"
    other = norm.cdf((norm.ppf(0.95) - 1.5) / 2)
    assert other == pytest.approx(0.528869, abs=1e-6)
    rng = np.random.default_rng(0)
    sides = rng.normal(0, 1, 20_000), rng.normal(1.5, 2, 20_000)
    turned = metrics.fpr_at_95_tpr(*sides, positive="known")
    assert turned.low is not None
    assert turned.high is not None
    assert turned.low < other < turned.high
    assert turned.convention["positive"] == "known"
    assert turned.details["threshold"] == pytest.approx(norm.ppf(0.95), abs=0.05)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (100, 2000)])
def test_fpr_intervals_hold_their_level(n: int, m: int) -> None:
    """The threshold is estimated too: at least 95 % of 500 intervals hold the truth.

    Wilson's for the share alone, as if the threshold were known, has 68 % in the first line.
    """
    rng = np.random.default_rng(n)
    truth = norm.sf(norm.ppf(0.9) * np.sqrt(2) + norm.ppf(0.05))
    hits = naive = 0
    for _ in range(500):
        measure = metrics.fpr_at_95_tpr(*drawn(rng, n, m, 0.9))
        assert measure.low is not None
        assert measure.high is not None
        hits += measure.low <= truth <= measure.high
        low, high = metrics.wilson(round(measure.value * n), n)
        naive += low <= truth <= high
    assert hits >= 0.95 * 500
    assert n == 100 or naive < 0.8 * 500


def test_few_unknown_samples_leave_the_threshold_open() -> None:
    """With 85 of them none lies surely below the 5 % quantile, with 86 the smallest does."""
    known = np.linspace(0, 1, 1000)
    assert binom.cdf(0, 85, 0.05) > 0.0125 > binom.cdf(0, 86, 0.05)
    assert metrics.fpr_at_95_tpr(known, np.full(85, 2.0)).high == 1
    high = metrics.fpr_at_95_tpr(known, np.full(86, 2.0)).high
    assert high is not None
    assert high < 0.01


def test_the_curve_is_that_of_scikit_learn() -> None:
    """Its steps lie on `roc_curve`, from 0 to 1, and long curves are thinned to 200 steps."""
    rng = np.random.default_rng(0)
    known, unknown = (np.round(x, 1) for x in drawn(rng, 40, 30, 0.8))
    plot = Plot.from_json(metrics.auroc(known, unknown).details["plot"])
    fpr, tpr, _ = roc_curve(*labelled(known, unknown), drop_intermediate=False)
    expected = {x: max(t for f, t in zip(fpr, tpr, strict=True) if f <= x + 1e-12) for x in plot.x}
    np.testing.assert_allclose(plot.y, list(expected.values()), atol=1e-12)
    assert (plot.x[0], plot.x[-1], plot.y[-1]) == (0, 1, 1)
    long = Plot.from_json(metrics.auroc(*drawn(rng, 5000, 700, 0.8)).details["plot"])
    assert len(long.x) == 201


def test_infinite_scores_are_ranked_and_json() -> None:
    """Infinity is the largest score; what is stored is JSON."""
    for measure in (metrics.auroc, metrics.fpr_at_95_tpr):
        record = measure([0.0, 1.0], [np.inf, np.inf]).as_json()
        assert record["value"] == (1 if measure is metrics.auroc else 0)
        json.dumps(record, allow_nan=False)


def test_a_curve_has_each_rate_once() -> None:
    """Of 49 known samples each rate is k / 49 to the last bit: 1 - 48 / 49 would be another."""
    plot = Plot.from_json(metrics.auroc(np.arange(49.0), np.arange(49.0)).details["plot"])
    assert plot.x == plot.y == [k / 49 for k in range(50)]


@pytest.mark.parametrize("measure", [metrics.auroc, metrics.fpr_at_95_tpr])
@pytest.mark.parametrize("level", [1.5, 0, 1, "high", True])
def test_a_level_that_is_none_is_refused(measure, level) -> None:
    """Also where the interval needs none; the message has what came."""
    with pytest.raises(DataError, match=f"level between 0 and 1, got {level!r}: write 0.95"):
        measure([0.0, 1.0], [1.0], level=level)


@pytest.mark.parametrize("measure", [metrics.auroc, metrics.fpr_at_95_tpr])
def test_what_cannot_be_ranked_is_refused(measure) -> None:
    """NaN is named with its group, row and number; so is a group of none."""
    with pytest.raises(DataError, match="each unknown sample, got NaN in row 1 and 2 in all"):
        measure([0.0], [1.0, np.nan, np.nan])
    with pytest.raises(DataError, match=r"known scores \[N\] with N >= 1, got shape \[0\]"):
        measure([], [1.0])
