"""The selective metric: the public function on a column, and by whatever score is named."""

from __future__ import annotations

import numpy as np
import pytest

from adversity import metrics
from adversity.contracts import Table
from adversity.errors import InputError
from adversity_plugins.metric.selective import Selective


def test_it_refuses_by_the_named_column() -> None:
    """Confidence the small ones first, another score the large ones; said in the convention."""
    rng = np.random.default_rng(0)
    doubt, n = rng.random(80), 80
    rows = {
        "id": np.array([f"s{at}" for at in range(n)]),
        "target": np.zeros(n, np.int64),
        "correct": rng.random(n) > doubt,
        "confidence": 1 - doubt,
        "noise": rng.random(n),
    }
    table = Table(rows, ("a", "b"))
    found = Selective().compute(table)
    assert found["aurc"].value == pytest.approx(metrics.aurc(doubt, rows["correct"]).value)
    assert found["augrc"].value == pytest.approx(metrics.augrc(doubt, rows["correct"]).value)
    assert found["aurc"].convention["score"].startswith("confidence, small")
    noise = Selective(score="noise").compute(table)
    assert noise["aurc"].value > found["aurc"].value + 0.05
    with pytest.raises(InputError, match="did you mean"):
        Selective(score="nois").compute(table)
