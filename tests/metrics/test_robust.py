"""Robust accuracy and attack success, counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity import metrics
from adversity.errors import DataError

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50)


@given(pairs)
def test_each_image_is_judged_on_its_own(rows: list[tuple[bool, bool]]) -> None:
    """Robust is right at first and not fooled; success counts among the first right ones."""
    start, fooled = [r[0] for r in rows], [r[1] for r in rows]
    robust = metrics.robust_accuracy(start, fooled)
    stood = sum(s and not f for s, f in rows)
    assert robust.value == stood / len(rows)
    assert (robust.low, robust.high) == metrics.wilson(stood, len(rows))
    if not any(start):
        with pytest.raises(DataError, match="nothing to attack"):
            metrics.attack_success(start, fooled)
        return
    success = metrics.attack_success(start, fooled)
    assert success.n == sum(start)
    assert success.value == sum(s and f for s, f in rows) / sum(start)
    assert robust.value == pytest.approx((1 - success.value) * sum(start) / len(rows))


def test_wrong_from_the_start_is_neither_robust_nor_a_success() -> None:
    """Of four images one wrong at first and one fooled leave 1/2 robust and 1/3 success."""
    start, fooled = [True, True, False, True], [False, True, True, False]
    robust = metrics.robust_accuracy(start, fooled)
    assert (robust.value, robust.details) == (0.5, {"wrong_from_start": 1, "fooled": 1})
    assert metrics.attack_success(start, fooled).value == pytest.approx(1 / 3)


def test_lengths_must_agree() -> None:
    """Columns of two tables are refused with both lengths."""
    with pytest.raises(DataError, match="2 and 1"):
        metrics.robust_accuracy([True, False], [True])
