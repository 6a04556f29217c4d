"""The paired bootstrap against brute force over all draws, SciPy, and the paired t test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from adversity import metrics
from adversity.errors import DataError


def medians(a, b):
    return lambda at: {"median": float(np.median(a[at]) - np.median(b[at]))}


def test_the_error_is_that_of_all_draws_there_are():
    """Of 4 pairs there are 4^4 draws: their spread, enumerated, is met within 2 % by 20 000."""
    a, b = np.array([3.0, 5.0, 4.0, 9.0]), np.array([2.0, 5.5, 2.0, 5.0])
    every = [
        np.median(a[list(at)]) - np.median(b[list(at)])
        for at in itertools.product(range(4), repeat=4)
    ]
    found = metrics.paired_bootstrap(medians(a, b), 4, draws=20_000)["median"]
    error = (found.high - found.low) / 2 / stats.t.ppf(0.975, 3)
    assert found.value == np.median(a) - np.median(b)
    # The relative error of a standard deviation of 20 000 draws is about 1 / sqrt(2 * 20 000).
    assert error == pytest.approx(np.std(every), rel=0.02)
    p = 2 * stats.t.sf(abs(found.value) / error, 3)
    assert found.details["p_value"] == pytest.approx(p, rel=1e-9)


def test_the_error_is_that_of_scipy():
    """SciPy's paired bootstrap of a difference of AUROCs has the same standard error within 10 %."""
    rng = np.random.default_rng(3)
    y = rng.random(120) < 0.4
    a, b = (y + rng.normal(0, sigma, 120) for sigma in (0.8, 1.1))

    def difference(y, a, b):
        return roc_auc_score(y, a) - roc_auc_score(y, b)

    theirs = stats.bootstrap(
        (y, a, b), difference, paired=True, vectorized=False, n_resamples=600, rng=rng,
        method="percentile",
    )  # fmt: skip
    found = metrics.paired_bootstrap(
        lambda at: {"auroc": difference(y[at], a[at], b[at])}, 120, draws=600
    )["auroc"]
    error = (found.high - found.low) / 2 / stats.t.ppf(0.975, 119)
    assert error == pytest.approx(theirs.standard_error, rel=0.1)
    assert found.value == pytest.approx(difference(y, a, b), abs=1e-15)


def test_of_a_mean_it_is_nearly_the_paired_t_test():
    """Interval and p-value come near those of `paired_difference`, which need no draws."""
    rng = np.random.default_rng(0)
    b = rng.normal(size=200)
    a = b + rng.normal(0.1, 0.5, 200)
    exact = metrics.paired_difference(a, b)
    found = metrics.paired_bootstrap(lambda at: {"m": (a - b)[at].mean()}, 200, draws=4000)["m"]
    assert found.value == pytest.approx(exact.value, abs=1e-15)
    # Twice the relative error of a deviation of 4 000 draws, and n / (n - 1) for the bootstrap's.
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.03)


def test_groups_are_drawn_whole():
    """Samples that repeat their group's value count as one: the error is that of the groups."""
    rng = np.random.default_rng(1)
    of_groups = rng.normal(size=25)
    values = np.repeat(of_groups, 8)
    names = np.repeat([f"g{i}" for i in range(25)], 8)

    def half(values, **more):
        (found,) = metrics.paired_bootstrap(
            lambda at: {"m": values[at].mean()}, len(values), draws=2000, **more
        ).values()
        return found

    grouped, alone = half(values, groups=names), half(of_groups)
    assert grouped.details["groups"] == 25
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=1e-9)
    assert half(values).high < grouped.high


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    """Draws come from the seed alone."""
    a, b = np.arange(9.0), np.arange(9.0)[::-1] * 0.7
    first, again = (metrics.paired_bootstrap(medians(a, b), 9) for _ in range(2))
    assert first == again
    assert metrics.paired_bootstrap(medians(a, b), 9, seed=1)["median"].low != first["median"].low


@pytest.mark.parametrize("values", [np.ones(6), np.zeros(6)], ids=["equal", "nothing"])
def test_without_a_spread_there_is_no_interval(values):
    """What is the same in all draws proves nothing about other images."""
    found = metrics.paired_bootstrap(lambda at: {"m": values[at].mean()}, 6)["m"]
    assert (found.low, found.high, found.details["p_value"]) == (None, None, None)
    assert found.value == values[0]


def test_a_measure_that_some_draw_lacks_has_no_interval():
    """One class alone has no AUROC: leaving such draws out would narrow the spread."""
    y = np.array([1, 0, 0, 0])

    def difference(at):
        return {"auroc": 0.5} if 0 < y[at].sum() < len(at) else {}

    found = metrics.paired_bootstrap(difference, 4)["auroc"]
    assert found.low is None
    assert found.details["draws"] < 200


@pytest.mark.parametrize(
    ("n", "more", "says"),
    [(0, {}, "n = 0"), (3, {"draws": 1}, "draws = 1"), (3, {"groups": ["a"]}, "each of 3")],
)
def test_what_cannot_be_drawn_is_refused(n, more, says):
    """No sample, one draw, or too few groups."""
    with pytest.raises(DataError, match=says):
        metrics.paired_bootstrap(lambda at: {"m": float(at.sum())}, n, **more)
