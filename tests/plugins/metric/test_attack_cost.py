"""The cost of an attack, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from adversity import Table
from adversity_plugins.metric.attack_cost import AttackCost


def _table(**more: object) -> Table:
    columns = {
        "id": np.array(["a", "b", "c", "d"], dtype=object),
        "target": np.zeros(4, dtype=np.int64),
        "start_correct": np.array([True, True, True, False]),
        "fooled": np.array([True, True, False, False]),
        "queries": np.array([10, 20, 60, 999]),
        "gradients": np.array([1, 2, 3, 999]),
        **more,
    }
    return Table(columns)


def test_the_cost_is_that_of_the_images_that_were_attacked():
    """An image that was wrong from the start cost nothing that counts."""
    found = AttackCost().compute(_table())
    assert found["queries_per_image"].value == pytest.approx(30.0)
    assert found["gradients_per_image"].value == pytest.approx(2.0)
    assert found["queries_per_image"].n == 3
    assert "queries_to_fool" not in found


def test_a_black_box_attack_has_a_median_of_queries():
    """Two of three were had, at 4 and 9; the third withstood, so that the median is 9."""
    found = AttackCost().compute(_table(solved_at=np.array([4, 9, 0, 0])))
    assert found["queries_to_fool"].value == 9.0
    assert found["queries_to_fool"].details["robust"] == [0.75, 0.5, 0.25]


def test_nothing_attacked_costs_nothing():
    """Where every image was wrong from the start there is no mean."""
    assert AttackCost().compute(_table(start_correct=np.zeros(4, dtype=bool))) == {}
