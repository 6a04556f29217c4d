"""Coverage and size of prediction sets, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Table
from adversity_plugins.metric.prediction_sets import PredictionSets


def table(sizes: list[int], held: list[bool] | None) -> Table:
    """Return rows as a step that makes sets leaves them."""
    columns: dict[str, Any] = {
        "id": np.array([str(i) for i in range(len(sizes))], dtype=object),
        "set_size": np.array(sizes, dtype=np.int64),
    }
    if held is not None:
        columns["in_set"] = np.array(held)
    return Table(columns, ("a", "b", "c"))


def test_shares_and_mean_with_their_intervals() -> None:
    """Three of four hold the truth, sizes 0 1 2 2; Wilson's and Student's intervals, by SciPy."""
    rows = table([0, 1, 2, 2], [False, True, True, True])
    found = PredictionSets().compute(rows)
    assert found["set_coverage"].value == 0.75
    wilson = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (found["set_coverage"].low, found["set_coverage"].high) == pytest.approx(
        (wilson.low, wilson.high), abs=1e-12
    )
    assert found["set_size"].value == 1.25
    half = stats.t.ppf(0.975, 3) * np.std([0, 1, 2, 2], ddof=1) / 2
    assert found["set_size"].high == pytest.approx(1.25 + half, rel=1e-12)
    assert found["set_size"].low == max(0.0, found["set_size"].low or 0.0)
    assert found["empty_set_share"].value == 0.25
    for name, values in PredictionSets().per_sample(rows).items():
        assert np.mean(values) == found[name].value


def test_without_labels_there_is_no_coverage() -> None:
    """The sizes are measured all the same."""
    rows = table([1, 3], None)
    assert PredictionSets().compute(rows).keys() == {"set_size", "empty_set_share"}
    assert PredictionSets().per_sample(rows).keys() == {"set_size", "empty_set_share"}
