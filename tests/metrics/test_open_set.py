"""OSCR against counting pairs, its two ends, and openness against the published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.errors import DataError
from adversity.metrics import auroc, openness, oscr

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=20)
SCORES = st.lists(st.integers(0, 5), min_size=1, max_size=20)


@given(ROWS, SCORES)
def test_it_is_the_share_of_pairs_in_order_and_right(
    known: list[tuple[int, bool]], unknown: list[int]
) -> None:
    """Every pair counted; ties half."""
    found = oscr([score for score, _ in known], [hit for _, hit in known], unknown).value
    pairs = [
        (0.5 if score == other else float(score < other)) * hit
        for score, hit in known
        for other in unknown
    ]
    assert found == pytest.approx(np.mean(pairs), abs=1e-12)


def test_its_ends_are_accuracy_and_auroc() -> None:
    """Where all unknown stand apart, and where every answer is right."""
    rng = np.random.default_rng(0)
    scores, correct = rng.random(200), rng.random(200) < 0.7
    apart = oscr(scores, correct, [2.0] * 50)
    assert apart.value == pytest.approx(correct.mean(), abs=1e-12)
    others = rng.random(80) + 0.3
    right = oscr(scores, np.ones(200, bool), others)
    assert right.value == pytest.approx(auroc(scores, others).value, abs=1e-12)
    assert right.low is not None
    known = auroc(scores, others)
    assert known.low is not None
    # DeLong's interval of the same number, by other means.
    assert right.low == pytest.approx(known.low, abs=0.02)


def test_openness_is_that_of_the_publication() -> None:
    """Scheirer's examples: no unknown class 0; 10 of 20 known 18 %; 2 and 78 more 77 %."""
    assert openness(10, 10, 10) == 0
    assert openness(10, 10, 20) == pytest.approx(1 - np.sqrt(20 / 30))
    assert openness(2, 2, 80) == pytest.approx(1 - np.sqrt(4 / 82))
    with pytest.raises(DataError, match="at least as many classes"):
        openness(10, 5, 10)
    with pytest.raises(DataError):
        openness(0, 1, 1)


def test_what_does_not_fit_is_refused() -> None:
    """Sides, verdicts, NaN."""
    with pytest.raises(DataError, match="expected known and correct"):
        oscr([0.1], [True, False], [0.2])
    with pytest.raises(DataError, match="got NaN"):
        oscr([np.nan], [True], [0.2])
