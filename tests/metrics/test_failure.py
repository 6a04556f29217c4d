"""Medians and curves of searches for failures, against counting by hand and exact coverage."""

from __future__ import annotations

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity import metrics
from adversity.errors import DataError


def _coverage(n: int, below: int) -> float:
    """Return P(below <= Binomial(n, 1/2) <= n - below), from the definition."""
    return sum(comb(n, k) for k in range(below, n - below + 1)) / 2**n


@pytest.mark.parametrize("n", [6, 7, 10, 25, 100])
def test_the_interval_is_the_narrowest_that_covers(n):
    """The order statistics cover with at least 95 %, and the next pair inside does not."""
    low, high = metrics.median_interval(np.arange(1, n + 1))
    assert low + high == n + 1
    assert _coverage(n, int(low)) >= 0.95
    assert _coverage(n, int(low) + 1) < 0.95


def test_few_values_give_their_range():
    """Five values cannot cover with 95 %: the interval is all of them."""
    assert metrics.median_interval([3, 1, 5, 2, 4]) == (1.0, 5.0)


def test_a_search_that_found_nothing_stays_in_the_median():
    """Two of five found nothing: the median is the third of five, not the second of three."""
    found = metrics.failure_distance([np.inf, 0.0, 2.0, 1.0, np.inf], norm="l2")
    assert found.value == 2.0
    assert found.n == 5
    assert (found.low, found.high) == (None, None)
    assert found.details["not_found"] == 2


def test_an_infinite_median_is_no_measure():
    """Most found nothing: there is no number to give."""
    assert metrics.failure_distance([np.inf, np.inf, 1.0], norm="l2") is None
    assert metrics.query_count([True, True], [False, False], [0, 0]) is None


def test_the_share_and_the_curve_stay_where_there_is_no_median():
    """One of three has a failure, at 1; the curve is that of the distances, and JSON can hold it."""
    distances = [np.inf, np.inf, 1.0]
    found = metrics.failures_found(distances, norm="l2")
    assert (found.value, found.n, found.better) == (1 / 3, 3, "lower")
    assert found.details == {"distance": [0.0, 1.0], "robust": [1.0, 2 / 3], "not_found": 2}
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["value"] == found.value
    finite = [0.0, 2.0, 1.0]
    median = metrics.failure_distance(finite, norm="l2")
    assert metrics.failures_found(finite, norm="l2").details == median.details
    with pytest.raises(DataError, match="0 or more"):
        metrics.failures_found([-1.0], norm="l2")


@given(st.lists(st.floats(0, 10) | st.just(np.inf), min_size=1, max_size=30))
def test_the_curve_is_the_share_that_is_further(values):
    """At each of its points the curve counts the images with no failure so near; it falls."""
    found = metrics.failure_distance([*values, *[0.0] * (len(values) + 1)], norm="l2")
    every = np.array([*values, *[0.0] * (len(values) + 1)])
    for at, robust in zip(found.details["distance"], found.details["robust"], strict=True):
        assert robust == np.mean([value > at for value in every])
    assert sorted(found.details["robust"], reverse=True) == found.details["robust"]


@pytest.mark.parametrize("values", [[], [-1.0], [np.nan]])
def test_what_is_no_distance_is_refused(values):
    """Negative, missing or no distances are an error, never left out."""
    with pytest.raises(DataError, match="expected at least one distance"):
        metrics.failure_distance(values, norm="l2")


def test_queries_are_counted_over_the_images_that_were_right():
    """By hand: one wrong from the start, one that withstood, three that fell at 4, 9 and 9."""
    start = [False, True, True, True, True]
    fooled = [False, False, True, True, True]
    found = metrics.query_count(start, fooled, [0, 0, 4, 9, 9])
    assert (found.value, found.n) == (9.0, 4)
    assert found.details["queries"] == [0.0, 4.0, 9.0]
    assert found.details["robust"] == [0.8, 0.6, 0.2]


def test_a_query_that_did_not_hold_is_no_success():
    """A sample that a query had, but the stored image does not, counts as withstood."""
    assert metrics.query_count([True], [False], [5]) is None


def test_columns_that_do_not_fit_are_refused():
    """Three columns of two lengths are an error."""
    with pytest.raises(DataError, match="one length, got 2, 2 and 1"):
        metrics.query_count([True, True], [True, True], [1])


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    """A thousand distances make sixty points, the first and the last among them."""
    found = metrics.failure_distance(np.arange(1, 1001) / 1000, norm="l2")
    assert len(found.details["distance"]) == 60
    assert found.details["distance"][0] == 0.0
    assert found.details["distance"][-1] == 1.0
