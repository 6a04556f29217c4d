"""The probability of the true class, against softmax in SciPy and its own interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from adversity.contracts import Table
from adversity_plugins.metric.p_true import PTrue


def table(**columns: np.ndarray) -> Table:
    """A table of predictions."""
    ids = np.array([f"image-{at}" for at in range(len(columns["target"]))])
    return Table({"id": ids, **columns}, tuple("abcd"))


@pytest.mark.parametrize("form", ["logits", "probs"])
def test_it_is_the_mean_of_softmax_at_the_label(form: str) -> None:
    """With Student's interval, as SciPy has it; from logits and from probabilities alike."""
    draws = np.random.default_rng(0)
    logits, labels = draws.normal(size=(50, 4)) * 3, draws.integers(0, 4, 50)
    chances = softmax(logits, axis=1)
    answer = {"logits": logits, "probs": chances}[form]
    found = PTrue().compute(table(**{form: answer}, target=labels))["p_true"]
    expected = chances[np.arange(50), labels]
    assert found.value == pytest.approx(expected.mean(), abs=1e-12)
    low, high = stats.t.interval(0.95, 49, expected.mean(), stats.sem(expected))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_it_is_finite_where_the_truth_got_nothing() -> None:
    """NLL is infinite there; this is 0. Where there are no classes as targets it is left out."""
    sure = np.eye(4)[[0, 1, 2]]
    assert PTrue().compute(table(probs=sure, target=np.array([0, 1, 3])))["p_true"].value == (
        pytest.approx(2 / 3)
    )
    assert PTrue().compute(table(probs=sure, target=np.array([0.5, 1.0, 2.0]))) == {}
