"""Agreement and Cohen's kappa against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from adversity import metrics
from adversity.errors import DataError

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(pairs=PAIRS)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """It is theirs (1e-12), and None exactly where both columns are one and the same class."""
    first, second = map(list, zip(*pairs, strict=True))
    found = metrics.kappa(first, second)
    if len({*first, *second}) == 1:
        assert found is None
        return
    assert found is not None
    assert found.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.n == len(pairs)


def test_agreement_is_a_share_with_wilsons_interval() -> None:
    """Three of four rows agree; kappa of answers that are exchanged throughout is -1."""
    found = metrics.agreement([0, 1, 1, 2], [0, 1, 2, 2])
    assert (found.value, found.n, found.low, found.high) == (0.75, 4, *metrics.wilson(3, 4))
    worst = metrics.kappa([0, 1, 0, 1], [1, 0, 1, 0])
    assert worst is not None
    assert worst.value == -1
    assert metrics.agreement([0, 1], [1, 0]).value == 0


def test_classes_far_apart_take_no_memory() -> None:
    """Two classes are two, whatever their numbers; one that no integer can name is refused."""
    far = metrics.kappa([0, 2**40, 2**40, 0], [0, 2**40, 0, 0])
    near = metrics.kappa([0, 1, 1, 0], [0, 1, 0, 0])
    assert far == near
    with pytest.raises(DataError, match=r"expected labels in 0 .. .*, got 1e\+300 in row 0"):
        metrics.kappa([1e300], [1.0])


def test_answers_that_do_not_fit_are_refused() -> None:
    """Other lengths, scores in the place of classes and empty columns are named."""
    with pytest.raises(DataError, match=r"labels \[2\]"):
        metrics.agreement([0, 1], [0, 1, 1])
    with pytest.raises(DataError, match=r"whole numbers, got 0\.5"):
        metrics.kappa([0, 1], [0.5, 1])
    with pytest.raises(DataError, match="got none"):
        metrics.agreement(np.array([], dtype=int), [])
