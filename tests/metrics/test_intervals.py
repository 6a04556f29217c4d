"""Intervals against SciPy, and their coverage by exact enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adversity import metrics
from adversity.errors import DataError

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_equals_scipy(count: tuple[int, int], level: float) -> None:
    """Wilson's closed form gives SciPy's bounds (1e-12: two orders of evaluation)."""
    k, n = count
    theirs = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert metrics.wilson(k, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(counts, st.sampled_from([0.5, 0.95, 0.99]))
def test_clopper_pearson_equals_scipy(count: tuple[int, int], level: float) -> None:
    """The exact interval gives SciPy's bounds (1e-9: SciPy finds them by root search)."""
    k, n = count
    theirs = stats.binomtest(k, n).proportion_ci(level, method="exact")
    assert metrics.clopper_pearson(k, n, level) == pytest.approx(
        (theirs.low, theirs.high), abs=1e-9
    )


@pytest.mark.parametrize("n", [5, 20, 100])
def test_clopper_pearson_never_covers_less_than_it_says(n: int) -> None:
    """Summed over all outcomes, coverage is at least 95 % for every true share."""
    bounds = np.array([metrics.clopper_pearson(k, n) for k in range(n + 1)])
    for p in np.linspace(0.01, 0.99, 33):
        inside = (bounds[:, 0] <= p) & (p <= bounds[:, 1])
        assert stats.binom.pmf(np.arange(n + 1), n, p)[inside].sum() >= 0.95


def test_wilson_touches_the_ends_exactly() -> None:
    """No success leaves a lower bound of exactly 0, all successes an upper one of 1."""
    assert metrics.wilson(0, 7)[0] == 0.0
    assert metrics.wilson(7, 7)[1] == 1.0


@pytest.mark.parametrize(
    ("k", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 2, 1)]
)
def test_a_share_that_is_none_is_refused(k: int, n: int, level: float) -> None:
    """Counts outside 0 <= k <= n, and levels outside (0, 1), are named in the error."""
    for interval in (metrics.wilson, metrics.clopper_pearson):
        with pytest.raises(DataError, match="expected"):
            interval(k, n, level)


def test_an_interval_is_cut_to_the_range_but_holds_its_mean() -> None:
    """A mean that rounding has put beyond an end stays inside."""
    found = metrics.mean_interval([1.0, 0.9, 0.95], within=(0.9, 1.0))
    assert (found.low, found.high) == (0.9, 1.0)
    found = metrics.mean_interval([1.0, 1.0, 1.0 + 1e-9], within=(-1.0, 1.0))
    assert found.high == found.value > 1


def test_the_mean_interval_equals_scipy() -> None:
    """Mean and bounds are those of SciPy's one-sample t (1e-12: order of summation)."""
    values = np.random.default_rng(0).exponential(size=57)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    mine = metrics.mean_interval(values, level=0.9)
    assert (mine.value, mine.n, mine.method) == (pytest.approx(values.mean()), 57, "student t")
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.randoms())
def test_the_order_of_values_changes_no_byte(values: list[float], random: object) -> None:
    """Sums are exactly rounded, so a permuted table gives an equal record."""
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert metrics.mean_interval(values) == metrics.mean_interval(shuffled)


@pytest.mark.parametrize("values", [[3.0], [0.1] * 9])
def test_no_spread_gives_no_interval(values: list[float]) -> None:
    """One value, or equal values, say nothing of the spread, so there is no interval."""
    measure = metrics.mean_interval(values)
    assert (measure.low, measure.high, measure.method) == (None, None, None)
    assert measure.value == pytest.approx(values[0], rel=1e-15)


def test_infinite_values_are_refused_or_counted() -> None:
    """Infinity is an error by default, and is counted where it is left out."""
    values = [1.0, 3.0, float("inf")]
    with pytest.raises(DataError, match="infinity in row 2"):
        metrics.mean_interval(values)
    measure = metrics.mean_interval(values, infinite="leave_out")
    assert (measure.value, measure.n, measure.details["infinite"]) == (2.0, 2, 1)
    assert measure.convention["mean"] == "over finite values"


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, float("nan")], [float("inf")]])
def test_values_without_a_mean_are_refused(values: list[float]) -> None:
    """Empty, two-dimensional, NaN or only infinite values have no mean."""
    with pytest.raises(DataError, match="expected"):
        metrics.mean_interval(values, infinite="leave_out")


def test_the_interval_is_cut_to_the_possible_range() -> None:
    """A lower bound below the smallest possible mean is raised to it."""
    assert metrics.mean_interval([0.0, 0.0, 1.0]).low < 0  # type: ignore[operator]
    assert metrics.mean_interval([0.0, 0.0, 1.0], within=(0.0, 2.0)).low == 0.0
