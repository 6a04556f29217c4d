"""Paired comparisons against SciPy, and the interval's coverage by enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adversity import metrics
from adversity.errors import DataError

cells = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 0)


def verdicts(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_a, only_b, neither]
    a, b = [True, True, False, False], [True, False, True, False]
    return np.repeat(a, counts), np.repeat(b, counts)


@given(cells)
def test_mcnemar_equals_scipy(counts: tuple[int, int, int, int]) -> None:
    """The exact McNemar p-value is the two-sided binomial test of the differing pairs."""
    a, b = verdicts(*counts)
    measure = metrics.paired_difference(a, b)
    differing = counts[1] + counts[2]
    p = stats.binomtest(counts[1], differing).pvalue if differing else 1.0
    assert measure.details["p_value"] == pytest.approx(p, abs=1e-12)
    assert measure.value == pytest.approx(a.mean() - b.mean(), abs=1e-15)
    assert -1 <= measure.low <= measure.value <= measure.high <= 1  # type: ignore[operator]


@pytest.mark.parametrize("p", [(0.1, 0.1), (0.25, 0.05), (0.02, 0.3), (0.02, 0.02)])
def test_the_interval_of_paired_shares_covers(p: tuple[float, float]) -> None:
    """Summed over all outcomes of n = 25 pairs it covers the truth in at least 94 %.

    Bonett and Price (2012) report a coverage that stays close to or above 95 %.
    """
    n, covered = 25, 0.0
    law = stats.multinomial(n, [*p, 1 - sum(p)])
    for x in range(n + 1):
        for y in range(n + 1 - x):
            a, b = verdicts(0, x, y, n - x - y)
            found = metrics.paired_difference(a, b)
            inside = found.low <= p[0] - p[1] <= found.high  # type: ignore[operator]
            covered += inside * law.pmf([x, y, n - x - y])
    assert covered >= 0.94


def test_numbers_get_the_paired_t_test_of_scipy() -> None:
    """Difference, bounds and p-value are SciPy's (1e-12: order of summation)."""
    rng = np.random.default_rng(1)
    a = rng.normal(size=40)
    b = a + rng.normal(0.1, 0.3, size=40)
    theirs = stats.ttest_rel(a, b)
    mine = metrics.paired_difference(a, b)
    bounds = theirs.confidence_interval()
    assert mine.details["p_value"] == pytest.approx(theirs.pvalue, abs=1e-12)
    assert (mine.low, mine.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)


def test_pairing_sees_what_two_intervals_do_not() -> None:
    """A shift of 0.01 on values that spread by 1 is significant once they are paired."""
    rng = np.random.default_rng(2)
    a = rng.normal(size=200)
    b = a - 0.01 + rng.normal(0, 0.02, size=200)
    assert metrics.paired_difference(a, b).low > 0  # type: ignore[operator]
    assert stats.ttest_ind(a, b).pvalue > 0.5


def test_equal_methods_differ_by_nothing() -> None:
    """The same numbers twice: 0, and neither an interval nor a p-value is made up."""
    measure = metrics.paired_difference([0.5, 0.7], [0.5, 0.7])
    assert (measure.value, measure.low, measure.details["p_value"]) == (0.0, None, None)


@pytest.mark.parametrize(
    ("a", "b"),
    [([1.0], [1.0, 2.0]), ([], []), ([True], [1.0]), ([1.0, np.inf], [1.0, 2.0])],
)
def test_what_is_not_paired_is_refused(a: list[float], b: list[float]) -> None:
    """Other lengths, no rows, mixed types and infinite values are refused."""
    with pytest.raises(DataError, match="expected"):
        metrics.paired_difference(a, b)
