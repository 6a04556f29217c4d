"""The accuracy of what is left: by the named column, and by the share that is refused."""

from __future__ import annotations

import numpy as np
import pytest

from adversity.contracts import Table
from adversity.errors import InputError
from adversity_plugins.metric.selective_accuracy import SelectiveAccuracy


def test_it_refuses_by_the_named_column() -> None:
    """Confidence the small ones first, another score the large ones; said in the convention."""
    rng = np.random.default_rng(0)
    doubt = rng.random(80)
    rows = {
        "id": np.array([f"s{at}" for at in range(80)]),
        "target": np.zeros(80, np.int64),
        "correct": rng.random(80) > doubt,
        "confidence": 1 - doubt,
        "noise": rng.random(80),
    }
    table = Table(rows, ("a", "b"))
    left = SelectiveAccuracy(refused=0.25).compute(table)["selective_accuracy"]
    assert left.value == rows["correct"][np.argsort(doubt)[:60]].mean()
    assert left.n == 60
    assert left.convention["refused"] == 0.25
    assert left.convention["score"].startswith("confidence, small")
    by_noise = SelectiveAccuracy(refused=0.25, score="noise").compute(table)
    expected = rows["correct"][np.argsort(rows["noise"])[:60]].mean()
    assert by_noise["selective_accuracy"].value == expected < left.value
    with pytest.raises(InputError, match="did you mean"):
        SelectiveAccuracy(refused=0.25, score="nois").compute(table)
