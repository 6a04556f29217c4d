"""The parts of the Brier score: Murphy's own sums where answers are few, and the identity always."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from adversity import metrics


def murphy(probs: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Murphy's vector partition over distinct answers, written down group by group."""
    truth = np.eye(probs.shape[1])[labels]
    base = truth.mean(0)
    answers, index = np.unique(probs, axis=0, return_inverse=True)
    reliability = resolution = 0.0
    for at, answer in enumerate(answers):
        inside = index.ravel() == at
        rate = truth[inside].mean(0)
        reliability += inside.mean() * ((answer - rate) ** 2).sum()
        resolution += inside.mean() * ((rate - base) ** 2).sum()
    return reliability, resolution, float((base * (1 - base)).sum())


def few_answers() -> tuple[np.ndarray, np.ndarray]:
    """Return 300 rows of three answers, no two of which share a bin in any class."""
    answers = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6]])
    rng = np.random.default_rng(1)
    pick = rng.integers(0, 3, 300)
    return answers[pick], rng.integers(0, 3, 300)


def test_few_answers_have_murphys_parts() -> None:
    """With a bin for each answer the three terms are his, 1e-14, and nothing is left in bins."""
    probs, labels = few_answers()
    parts = metrics.brier_parts(probs, labels)
    expected = murphy(probs, labels)
    assert (parts.reliability, parts.resolution, parts.uncertainty) == pytest.approx(
        expected, abs=1e-14
    )
    assert parts.within_bins == 0.0


@pytest.mark.parametrize("bins", [1, 5, 15])
@pytest.mark.parametrize("classes", [2, 7])
def test_the_parts_add_up(draw, bins: int, classes: int) -> None:
    """Reliability - resolution + uncertainty is the score, 1e-12, however coarse the bins."""
    logits, labels = draw(n=2000, classes=classes, scale=1.6)
    probs = softmax(logits, axis=1)
    parts = metrics.brier_parts(probs, labels, bins=bins)
    assert parts.score == pytest.approx(metrics.brier(probs, labels).value, abs=1e-12)
    # Without what is told in bins the terms miss the score.
    short = parts.reliability - (parts.resolution - parts.within_bins) + parts.uncertainty
    assert abs(short - parts.score) > 1e-4


def test_what_is_told_in_bins_is_covariance_less_variance(draw) -> None:
    """Stephenson's two components, from the rows: 2 covariance - variance, summed over bins (1e-12)."""
    logits, labels = draw(n=1500, classes=4, scale=1.6)
    probs = softmax(logits, axis=1)
    told = 0.0
    for k in range(4):
        index = np.ceil(probs[:, k] * 15).astype(int)
        for at in np.unique(index):
            p, y = probs[index == at, k], labels[index == at] == k
            told += len(p) / 1500 * (2 * np.mean((p - p.mean()) * (y - y.mean())) - p.var())
    assert metrics.brier_parts(probs, labels).within_bins == pytest.approx(told, abs=1e-12)


def test_the_base_rate_has_uncertainty_alone() -> None:
    """A constant answer at the base rates is calibrated and tells nothing; two classes count twice."""
    probs, labels = np.tile([0.75, 0.25], (400, 1)), (np.arange(400) % 4 == 0).astype(int)
    parts = metrics.brier_parts(probs, labels)
    assert (parts.reliability, parts.resolution) == (0.0, 0.0)
    assert parts.uncertainty == pytest.approx(2 * 0.75 * 0.25, abs=1e-15)
    far = metrics.brier_parts(1 - probs, labels)
    assert far.reliability == pytest.approx(2 * 0.25, abs=1e-15)


def test_calibration_takes_the_reliability_alone(draw) -> None:
    """Logits 1.7 times too large lose reliability, and hardly resolution (a tenth of it)."""
    logits, labels = draw(n=20_000, classes=10, scale=1.0)
    right, sure = (metrics.brier_parts(logits=scale * logits, labels=labels) for scale in (1, 1.7))
    assert sure.reliability > 10 * right.reliability
    assert sure.resolution == pytest.approx(right.resolution, abs=0.01)
    assert sure.uncertainty == right.uncertainty
