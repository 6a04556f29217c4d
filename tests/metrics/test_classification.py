"""Accuracy against scikit-learn, and its tie rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import top_k_accuracy_score

from adversity import metrics
from adversity.errors import DataError


@pytest.mark.parametrize("top", [1, 2, 5])
def test_accuracy_equals_scikit_learn(draw, top: int) -> None:
    """Without ties, top-k accuracy is scikit-learn's, for logits and for probabilities."""
    logits, labels = draw(n=400)
    theirs = top_k_accuracy_score(labels, logits, k=top, labels=range(10))
    assert metrics.accuracy(logits=logits, labels=labels, top=top).value == theirs
    assert metrics.accuracy(softmax(logits, axis=1), labels, top=top).value == theirs


@given(st.integers(0, 6), st.integers(1, 6))
def test_ties_go_to_the_lower_index(label: int, top: int) -> None:
    """A model that says the same of all classes is right about the first `top` ones only."""
    measure = metrics.accuracy(np.full((1, 7), 1 / 7), [label], top=top)
    assert measure.value == float(label < top)
    assert measure.details["tied"] == 1


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=20))
def test_top_1_is_argmax_with_ties(rows: list[list[int]]) -> None:
    """With many ties the top-1 verdicts still are those of argmax."""
    logits = np.array(rows, float)
    labels = np.arange(len(rows)) % 4
    expected = (logits.argmax(axis=1) == labels).mean()
    assert metrics.accuracy(logits=logits, labels=labels).value == expected


def test_saturated_logits_are_ranked_before_rounding() -> None:
    """Logits whose probabilities underflow to equal zeros are still told apart."""
    logits = [[0.0, -2000.0, -1000.0]]
    assert metrics.accuracy(logits=logits, labels=[2], top=2).value == 1.0


def test_accuracy_of_counts_and_bounds() -> None:
    """18 of 20 gives 0.9 with the Wilson bounds .699 and .972 (Brown, Cai, DasGupta 2001)."""
    measure = metrics.accuracy_of(np.arange(20) < 18)
    assert (measure.value, measure.n, measure.method) == (0.9, 20, "wilson")
    assert (measure.low, measure.high) == pytest.approx((0.699, 0.972), abs=5e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [0]}, "got neither"),
        ({"probs": [[0.5, 0.5]], "logits": [[0.0, 0.0]], "labels": [0]}, "got both"),
        ({"probs": [[3.0, -1.0]], "labels": [0]}, "pass them as logits="),
        ({"probs": [[0.5, 0.4]], "labels": [0]}, "sum to 1, got 0.9 in row 0"),
        ({"probs": [0.5, 0.5], "labels": [0, 1]}, "give both columns"),
        ({"logits": [[0.0, np.nan]], "labels": [0]}, "NaN"),
        ({"logits": [[0.0, 1.0]], "labels": [2]}, "0 .. 1, got 2 in row 0"),
        ({"logits": [[0.0, 1.0]], "labels": [-1]}, "got -1 in row 0"),
        ({"logits": [[0.0, 1.0]], "labels": [0.5]}, "whole numbers, got 0.5 in row 0"),
        ({"logits": [[0.0, 1.0]], "labels": [0, 1]}, r"labels \[1\]"),
        ({"logits": [[0.0, 1.0]], "labels": [0], "top": 3}, "got 3"),
        ({"logits": np.zeros((0, 2)), "labels": np.zeros(0, int)}, r"N >= 1"),
    ],
)
def test_nothing_is_guessed(arguments: dict[str, object], message: str) -> None:
    """Arrays that are not what their name says are refused with the value and the remedy."""
    with pytest.raises(DataError, match=message):
        metrics.accuracy(**arguments)  # type: ignore[arg-type]


def test_verdicts_must_be_booleans() -> None:
    """Numbers where right-or-wrong is meant are refused."""
    with pytest.raises(DataError, match="booleans"):
        metrics.accuracy_of([1, 0])
