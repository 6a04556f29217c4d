"""What attacks on a decision leave, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Table
from adversity_plugins.metric.acceptance import Acceptance
from adversity_plugins.metric.attack_cost import AttackCost
from adversity_plugins.metric.look_sure import LookSure
from adversity_plugins.metric.look_unsure import LookUnsure

TARGET = [0, 0, 0, 0, 0, 0, -1, -2]
RIGHT = [True, True, True, True, False, False, False, False]
BEFORE = [True, True, True, False, True, False, False, False]


def table(**more: Any) -> Table:
    """Return rows as such an attack leaves them: four right answers, two wrong, two without a class."""
    columns: dict[str, Any] = {
        "id": np.array(list("abcdefgh"), dtype=object),
        "target": np.array(TARGET),
        "start_correct": np.array(RIGHT),
        "start_accepted": np.array(BEFORE),
        "queries": np.array([10, 20, 60, 0, 0, 4, 6, 0]),
        "gradients": np.array([1, 2, 6, 0, 0, 2, 4, 0]),
    }
    return Table({**columns, **{k: np.array(v) for k, v in more.items()}}, ("a", "b"))


UNSURE = {
    "attackable": [True, True, True, False, False, False, False, False],
    "look_unsure": [True, False, False, False, False, False, False, False],
}
SURE = {
    "attackable": [False, False, False, False, False, True, True, False],
    "look_sure": [False, False, False, False, False, False, True, False],
}


@pytest.mark.parametrize(
    ("metric", "rows", "expected"),
    [
        # One of three that were right and accepted; and of four right ones, that and the one before.
        (
            LookUnsure(),
            UNSURE,
            {"look_unsure_success": (1, 3), "false_rejection_under_attack": (2, 4)},
        ),
        # The one of the unknown class alone; of two wrong answers to a class the one from the start.
        (LookSure(), SURE, {"look_sure_success": (1, 2), "false_acceptance_under_attack": (1, 2)}),
    ],
)
def test_shares_with_their_intervals(metric: Any, rows: Any, expected: Any) -> None:
    """With Wilson's interval; the values of rows have the shares as their means."""
    found = metric.compute(table(**rows))
    assert {name: (one.value * one.n, one.n) for name, one in found.items()} == expected
    for name, (hit, n) in expected.items():
        wilson = stats.binomtest(hit, n).proportion_ci(method="wilson")
        assert (found[name].low, found[name].high) == pytest.approx((wilson.low, wilson.high))
        values = metric.per_sample(table(**rows))[name]
        assert np.nanmean(values) == found[name].value
        assert int((~np.isnan(values)).sum()) == n
        assert found[name].better == "lower"


def test_who_shares_a_group_counts_as_one() -> None:
    """Two groups of two: the interval is wider than that of four images."""
    groups = np.array(["x", "x", "y", "y", "z", "z", "z", "z"], dtype=object)
    alone = LookUnsure().compute(table(**UNSURE))["false_rejection_under_attack"]
    found = LookUnsure().compute(table(**UNSURE, group=groups))["false_rejection_under_attack"]
    assert found.value == alone.value
    assert str(found.method).endswith("grouped")


def test_a_share_of_nothing_is_left_out() -> None:
    """Nobody could be attacked."""
    rows = {**UNSURE, "attackable": [False] * 8, "look_unsure": [False] * 8}
    assert LookUnsure().compute(table(**rows)).keys() == {"false_rejection_under_attack"}


def test_the_cost_is_that_of_whom_it_could_attack() -> None:
    """Of three right and accepted ones; of a wrong one and one of an unknown class."""
    cost = AttackCost().compute(table(**UNSURE))
    assert (cost["queries_per_image"].value, cost["gradients_per_image"].value) == (30, 3)
    assert AttackCost().compute(table(**SURE))["queries_per_image"].value == 5
    assert "queries_to_fool" not in AttackCost().compute(table(**SURE, solved_at=[0] * 8))


def test_nothing_else_takes_such_a_table() -> None:
    """Acceptance under attack is no acceptance."""
    rows = table(**UNSURE, accepted=[True] * 8, correct=RIGHT)
    assert not Acceptance.takes(rows)
    assert LookUnsure.takes(rows)
    assert not LookSure.takes(rows)
