"""Average precision against scikit-learn, and the coverage of its interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from adversity.errors import DataError
from adversity.metrics import average_precision

SIDE = st.lists(st.integers(0, 6), min_size=1, max_size=30)


@given(SIDE, SIDE)
def test_it_is_that_of_scikit_learn(negative: list[int], positive: list[int]) -> None:
    """Ties together; to rounding."""
    found = average_precision(negative, positive)
    labels = [0] * len(negative) + [1] * len(positive)
    expected = average_precision_score(labels, negative + positive)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.details["prevalence"] == len(positive) / len(labels)


def test_saturated_scores_are_not_what_trapezoids_make_of_them() -> None:
    """AT11: half of the positive stand at 1 with a quarter of the negative, the rest at 0."""
    negative, positive = [1.0] * 25 + [0.0] * 75, [1.0] * 50 + [0.0] * 50
    found = average_precision(negative, positive).value
    assert found == pytest.approx(0.5 * 50 / 75 + 0.5 * 0.5, abs=1e-12)
    trapezoid = 0.5 * (1 + 50 / 75) / 2 + 0.5 * (50 / 75 + 0.5) / 2
    assert trapezoid - found > 0.1, "the twin is another number"


def test_a_score_that_says_nothing_has_the_prevalence() -> None:
    """All alike."""
    assert average_precision([0.5] * 30, [0.5] * 10).value == pytest.approx(0.25)


def test_its_interval_covers() -> None:
    """200 draws of 60 against 40 normal scores: 180 at least hold the value of many; 95 % is 190."""
    truth = np.mean(
        [
            average_precision(rng.normal(0, 1, 6000), rng.normal(1.2, 1, 4000)).value
            for rng in map(np.random.default_rng, range(1000, 1020))
        ]
    )
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = average_precision(rng.normal(0, 1, 60), rng.normal(1.2, 1, 40))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 180


def test_what_cannot_be_ranked_is_refused() -> None:
    """By the side that it is on."""
    with pytest.raises(DataError, match="expected positive scores"):
        average_precision([0.1], [])
    with pytest.raises(DataError, match="expected negative scores"):
        average_precision([np.nan], [0.1])
