"""Likelihood and Brier score against scikit-learn, hand computation and decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from sklearn.metrics import brier_score_loss, log_loss

from adversity import metrics
from adversity.errors import DataError


def test_nll_equals_scikit_learn(draw) -> None:
    """Without zeros the likelihood is scikit-learn's, in nats (1e-12: order of summation)."""
    logits, labels = draw(n=300)
    probs = softmax(logits, axis=1)
    expected = log_loss(labels, probs, labels=range(10))
    assert metrics.nll(probs, labels).value == pytest.approx(expected, abs=1e-12)
    assert metrics.nll(logits=logits, labels=labels).value == pytest.approx(expected, abs=1e-12)


def test_a_truth_with_probability_zero_is_infinite_and_counted() -> None:
    """The score is infinite without `clip`, which is another score and stands by the value."""
    probs, labels = [[1.0, 0.0], [0.5, 0.5]], [1, 0]
    measure = metrics.nll(probs, labels)
    assert measure.value == float("inf")
    assert (measure.low, measure.details["zero_probability_truths"]) == (None, 1)
    clipped = metrics.nll(probs, labels, clip=1e-12)
    assert clipped.value == pytest.approx((-np.log(1e-12) + np.log(2)) / 2)
    assert clipped.convention["clip"] == 1e-12
    assert clipped.details["zero_probability_truths"] == 1


def test_logits_never_give_an_infinite_likelihood() -> None:
    """A gap of 2000 costs 2000 nats, where the probability itself underflows to 0."""
    assert metrics.nll(logits=[[0.0, 2000.0]], labels=[0]).value == 2000.0


def test_a_perfect_model_scores_zero_and_not_minus_zero() -> None:
    """Certain and right: 0 nats, with a plus sign, also in the stored text."""
    assert str(metrics.nll([[1.0, 0.0]], [0]).value) == "0.0"


@pytest.mark.parametrize("clip", [0.0, 1.0, -1e-3])
def test_clip_must_be_a_probability(clip: float) -> None:
    """A floor outside (0, 1) is refused."""
    with pytest.raises(DataError, match="clip"):
        metrics.nll([[0.5, 0.5]], [0], clip=clip)


def test_brier_sums_over_classes() -> None:
    """The example of two rows whose three usual conventions give .52, .26 and -.48 gives .52."""
    measure = metrics.brier([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], [0, 2])
    assert measure.value == pytest.approx(0.52, abs=1e-15)
    assert measure.convention["range"] == [0, 2]


def test_brier_equals_scikit_learn_and_doubles_the_binary_score(draw) -> None:
    """Multi-class it is scikit-learn's; with two classes twice the score of one column."""
    logits, labels = draw(n=300)
    probs = softmax(logits, axis=1)
    assert metrics.brier(logits=logits, labels=labels).value == pytest.approx(
        brier_score_loss(labels, probs, labels=range(10)), abs=1e-12
    )
    two, truth = draw(n=300, classes=2)
    p = softmax(two, axis=1)[:, 1]
    assert metrics.brier(logits=two, labels=truth).value == pytest.approx(
        2 * ((p - truth) ** 2).mean(), abs=1e-12
    )


def test_brier_is_uncertainty_minus_resolution_plus_reliability() -> None:
    """Murphy's decomposition over the distinct forecasts holds to 1e-12 (rounding)."""
    rng = np.random.default_rng(3)
    forecasts = rng.dirichlet(np.ones(4), size=6)
    which, labels = rng.integers(0, 6, 500), rng.integers(0, 4, 500)
    truth = np.eye(4)[labels]
    base = truth.mean(axis=0)
    resolution = refinement = 0.0
    for k in range(6):
        weight, seen = (which == k).mean(), truth[which == k].mean(axis=0)
        resolution += weight * ((seen - base) ** 2).sum()
        refinement += weight * ((seen - forecasts[k]) ** 2).sum()
    expected = (base * (1 - base)).sum() - resolution + refinement
    assert metrics.brier(forecasts[which], labels).value == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
def test_rows_may_come_in_any_order(rows: list[list[float]], random: object) -> None:
    """Values stay in their range and a permutation of the rows changes no byte."""
    logits, labels = np.array(rows), np.arange(len(rows)) % 3
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for score, top in ((metrics.nll, np.inf), (metrics.brier, 2.0)):
        measure = score(logits=logits, labels=labels)
        assert 0 <= measure.value <= top
        assert score(logits=logits[order], labels=labels[order]) == measure


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=6))
def test_log_softmax_equals_scipy(row: list[float]) -> None:
    """Log-probabilities are SciPy's (1e-12 relative to values of up to 1400)."""
    np.testing.assert_allclose(
        metrics.log_softmax([row])[0], log_softmax(row), rtol=1e-12, atol=1e-12
    )
    assert metrics.softmax([row]).sum() == pytest.approx(1.0, abs=1e-14)
