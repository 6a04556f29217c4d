"""Disagreement of members against SciPy's Hamming distances, and what chance makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from adversity import Table
from adversity_plugins.metric.diversity import Diversity


def table(votes: np.ndarray[Any, Any], classes: int, **columns: Any) -> Table:
    """Return a table of members that are each nearly sure of a class; votes are `[N, M]`."""
    members = np.full((*votes.shape, classes), 0.1 / classes, dtype=np.float32)
    np.put_along_axis(members, votes[:, :, None], 0.9, axis=2)
    ids = np.array([f"s{i}" for i in range(len(votes))])
    return Table({"id": ids, "members": members} | columns, tuple(map(str, range(classes))))


def test_disagreement_is_the_mean_hamming_distance_of_the_members() -> None:
    """SciPy's, of each pair and over all; per sample it has the same mean."""
    votes = np.random.default_rng(0).integers(0, 4, (200, 5))
    found = Diversity().compute(table(votes, 4))["member_disagreement"]
    assert found.value == pytest.approx(pdist(votes.T, "hamming").mean(), abs=1e-12)
    np.testing.assert_allclose(
        found.details["pairs"], squareform(pdist(votes.T, "hamming")), atol=1e-12
    )
    rows = Diversity().per_sample(table(votes, 4))["member_disagreement"]
    assert rows.mean() == pytest.approx(found.value, abs=1e-12)
    assert found.convention["members"] == 5


def test_independent_members_are_wrong_together_by_chance_alone() -> None:
    """Each is right with 0.7, whatever the others: 0.09 of two, and half a point for 20 000 rows."""
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 10, 20_000)
    votes = np.where(rng.random((20_000, 3)) < 0.7, targets[:, None], (targets[:, None] + 1) % 10)
    found = Diversity().compute(table(votes, 10, target=targets))
    assert found["member_accuracy"].value == pytest.approx(0.7, abs=0.005)
    assert found["member_double_fault"].value == pytest.approx(0.09, abs=0.005)
    assert found["member_disagreement"].value == pytest.approx(0.42, abs=0.01)
    copies = Diversity().compute(table(votes[:, [0, 0, 0]], 10, target=targets))
    assert copies["member_disagreement"].value == 0
    assert copies["member_double_fault"].value == pytest.approx(0.3, abs=0.01)


def test_samples_without_a_class_count_for_disagreement_alone() -> None:
    """A label below 0 is none; one member alone has no pairs, and no rows have nothing."""
    votes = np.array([[0, 0], [0, 1], [1, 1], [0, 1]])
    found = Diversity().compute(table(votes, 2, target=np.array([0, 0, 0, -1])))
    assert (found["member_disagreement"].value, found["member_disagreement"].n) == (0.5, 4)
    assert (found["member_double_fault"].value, found["member_double_fault"].n) == (
        pytest.approx(1 / 3),
        3,
    )
    assert found["member_accuracy"].value == 0.5
    unknown = Diversity().compute(table(votes, 2, target=np.full(4, -1)))
    assert unknown.keys() == {"member_disagreement"}
    alone = Diversity().compute(table(votes[:, :1], 2, target=np.zeros(4, int)))
    assert alone.keys() == {"member_accuracy"}
    assert Diversity().compute(table(votes[:0], 2)) == {}
