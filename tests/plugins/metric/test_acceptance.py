"""What is accepted, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Table
from adversity_plugins.metric.acceptance import Acceptance

ACCEPTED = [True, True, True, False, False, False]
RIGHT = [True, True, False, True, False, False]


def table(**more: Any) -> Table:
    """Return rows as a step that accepts answers leaves them."""
    columns = {"id": np.array(list("abcdef"), dtype=object), "accepted": np.array(ACCEPTED)}
    return Table({**columns, **{k: np.array(v) for k, v in more.items()}}, ("a", "b"))


def test_shares_with_their_intervals() -> None:
    """Two of three accepted are right; one of three right is rejected, one of three wrong taken."""
    rows = table(correct=RIGHT, target=[0] * 6)
    found = Acceptance().compute(rows)
    shares = {"accepted_share": (3, 6), "accepted_accuracy": (2, 3)}
    shares |= {"false_rejection_share": (1, 3), "false_acceptance_share": (1, 3)}
    assert {name: (one.value, one.n) for name, one in found.items()} == {
        name: (pytest.approx(hit / n), n) for name, (hit, n) in shares.items()
    }
    for name, (hit, n) in shares.items():
        wilson = stats.binomtest(hit, n).proportion_ci(method="wilson")
        assert (found[name].low, found[name].high) == pytest.approx((wilson.low, wilson.high))
    for name, values in Acceptance().per_sample(rows).items():
        assert np.nanmean(values) == pytest.approx(found[name].value)


def test_what_has_no_class_is_accepted_or_not_and_no_more() -> None:
    """Unlabelled rows, all or some, count in the share alone."""
    assert Acceptance().compute(table()).keys() == {"accepted_share"}
    found = Acceptance().compute(table(correct=RIGHT, target=[0, -1, 0, 0, -1, 0]))
    assert {name: one.n for name, one in found.items()} == {
        "accepted_share": 6,
        "accepted_accuracy": 2,
        "false_rejection_share": 2,
        "false_acceptance_share": 2,
    }


def test_a_share_of_nothing_is_left_out() -> None:
    """Nothing wrong: no wrong answer can be accepted."""
    found = Acceptance().compute(table(correct=[True] * 6, target=[0] * 6))
    assert "false_acceptance_share" not in found
    assert found["accepted_accuracy"].value == 1
