"""Weighted conformal sets: the ratio against scikit-learn, the rank by counting, and coverage."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

import adversity
from adversity import Predictive, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.decision._likelihood_ratio import Ratio, likelihood_ratio
from adversity_plugins.uncertainty.decision._weighted_fit import (
    APART,
    log_rows,
    thresholds,
    told_apart,
)
from adversity_plugins.uncertainty.decision._weighted_rank import effective_size, log_limits
from adversity_plugins.uncertainty.decision.weighted_conformal import WeightedConformal

ALPHAS = [0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9]


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("apart", [0.0, 0.7, 50.0])
def test_the_ratio_is_that_of_scikit_learn(penalty: float, apart: float) -> None:
    """On columns divided by their deviation with C = 1 / penalty, near and wholly apart."""
    rng = np.random.default_rng(3)
    here, there = rng.normal(0, 1, (300, 4)), rng.normal(apart, 1.3, (200, 4))
    rows = np.concatenate([here, there])
    scale = rows.std(0)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=100_000)
    theirs.fit((rows - rows.mean(0)) / scale, np.repeat([0, 1], [300, 200]))
    ours = likelihood_ratio(here, there, penalty=penalty)
    wanted = theirs.decision_function((rows - rows.mean(0)) / scale)
    # Both stop where the mean loss has a slope below 1e-6; the penalty per row bends it by
    # at least 2e-5 here, so that a coefficient is right to 0.05 in the worst case, and far
    # better where the data bend it.
    assert ours.of(rows) == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_a_column_that_does_not_vary_counts_nothing() -> None:
    """A constant beside others changes no slope, and has none."""
    rng = np.random.default_rng(0)
    here, there = rng.normal(0, 1, (50, 2)), rng.normal(1, 1, (60, 2))
    alone = likelihood_ratio(here, there, penalty=1.0)
    beside = likelihood_ratio(
        np.insert(here, 1, -87.3, axis=1), np.insert(there, 1, -87.3, axis=1), penalty=1.0
    )
    assert beside.slopes[1] == 0
    assert beside.slopes[[0, 2]] == pytest.approx(alone.slopes, rel=1e-5)


def brute(scores: list[float], weights: list[int], own: int, share: Fraction) -> float:
    """Return the smallest score whose share of all weights is large enough; else infinity."""
    total = sum(weights) + own
    for score in sorted(scores):
        below = sum(w for s, w in zip(scores, weights, strict=True) if s <= score)
        if Fraction(below) >= share * total:
            return score
    return math.inf


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=9),
    st.integers(1, 30),
    st.sampled_from(ALPHAS),
)
def test_the_threshold_is_the_weighted_quantile(
    rows: list[tuple[int, int]], own: int, alpha: float
) -> None:
    """As counted one by one, with ties of scores and weights of 0; weights are whole numbers."""
    rows = sorted(rows)
    scores, weights = [s / 4 for s, _ in rows], [w for _, w in rows]
    limits = log_limits(np.array(weights, float), alpha)
    (found,) = thresholds(np.array(scores), limits, np.array([math.log(own)]))
    assert found == brute(scores, weights, own, 1 - Fraction(str(alpha)))


def test_by_hand() -> None:
    """Scores 1, 2, 2, 3 of weight 1, 2, 1, 4 (T = 8), alpha 1/4: 6 of 8 is reached at 3 alone.

    With w of its own a row needs 3/4 (8 + w): 6.75 for w = 1, which 3 reaches (8); 9 for w = 4,
    which none does. At alpha 1/2 it needs 4 for w = 0.0001 or a little more: 2 does not (1 + 2 + 1
    = 4 < 4.00005), 3 does.
    """
    scores, weights = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0, 4.0])
    own = np.log([1.0, 4.0])
    assert thresholds(scores, log_limits(weights, 0.25), own).tolist() == [3.0, math.inf]
    assert thresholds(scores, log_limits(weights, 0.5), np.log([1e-4])).tolist() == [3.0]
    assert effective_size(weights) == pytest.approx(64 / 22)


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=8),
    st.sampled_from(ALPHAS),
)
def test_of_exchangeable_rows_a_share_is_held(weights: list[int], alpha: float) -> None:
    """Each of n + 1 rows left out in turn: those that are held weigh at least 1 - alpha of all."""
    held = 0
    for i, own in enumerate(weights):
        others = [w for k, w in enumerate(weights) if k != i]
        scores = np.array([float(k) for k in range(len(weights)) if k != i])
        limits = log_limits(np.array(others, float), alpha)
        held += own * (i <= thresholds(scores, limits, np.array([math.log(own)]))[0])
    assert Fraction(held, sum(weights)) >= 1 - Fraction(str(alpha))


def answers(count: int, seed: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(0, 2, (count, classes))).float()
    return logits, torch.from_numpy(rng.integers(0, classes, count))


@pytest.mark.parametrize("n", [5, 19, 200])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_with_equal_weights_it_is_split_conformal(n: int, alpha: float) -> None:
    """Where what is unlabelled is `train` itself: the same sets, also where all classes are in."""
    logits, labels = answers(n, 1)
    more, _ = answers(60, 2)
    plain = adversity.create("uncertainty", "conformal", alpha=alpha).fit(logits, labels)
    ours = adversity.create("uncertainty", "weighted_conformal", alpha=alpha).fit(
        logits, labels, sources={"unlabelled": (logits,)}
    )
    assert torch.equal(ours(more), plain(more))
    assert torch.equal(ours(logits), plain(logits))


def shifted(rng: Any, count: int, mean: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw x around a mean; the class is 1 with a chance that the network is wrong about."""
    x = rng.normal(mean, 1, count)
    return x, (rng.random(count) < expit(2 * x - 3 * (x > 0.5))).astype(int)


def rows(x: np.ndarray) -> torch.Tensor:
    """Return what the network says of x: log p of class 1 minus that of class 0 is 2 x."""
    return torch.from_numpy(np.stack([np.zeros_like(x), 2 * x], 1))


def test_coverage_under_a_shift_that_is_known() -> None:
    """Drawn around 0, judged around 1.5: sets hold 90 % of the truths, those of conformal fewer.

    With the ratio itself, exp(1.5 x), and with that of the classifier, over 80 splits. The mean of
    a split is one draw, whose deviation says how far the mean of all may lie below 90 %: three
    standard errors. That of the classifier may miss a further hundredth by what its ratio misses.
    """
    rng, alpha, n, covered = np.random.default_rng(11), 0.1, 400, []
    for _ in range(80):
        (x, y), (u, _), (t, truth) = (shifted(rng, n, mean) for mean in (0.0, 1.5, 1.5))
        here, there, judged = (log_rows(rows(each).softmax(1)) for each in (x, u, t))
        scores = 1 - np.exp(here)[np.arange(n), y]
        order = np.argsort(scores)
        own = 1 - np.exp(judged)[np.arange(n), truth]
        # log p of class 1 minus that of class 0 is 2 x.
        known = Ratio(np.array([-0.75, 0.75]), 0.0)
        held = []
        for ratio in (known, likelihood_ratio(here, there, penalty=1.0)):
            limits = log_limits(np.exp(ratio.of(here))[order], alpha)
            held.append((own <= thresholds(scores[order], limits, ratio.of(judged))).mean())
        plain = np.sort(scores)[math.ceil((n + 1) * (1 - alpha)) - 1]
        covered.append([*held, (own <= plain).mean()])
    means, errors = np.mean(covered, 0), np.std(covered, 0) / math.sqrt(len(covered))
    assert means[0] >= 1 - alpha - 3 * errors[0]
    assert means[1] >= 1 - alpha - 3 * errors[1] - 0.01
    assert means[2] <= 1 - alpha - 0.05


def test_what_it_says_of_itself() -> None:
    """The weights' worth, and the unlabelled rows with all classes, counted anew from the arrays."""
    logits, labels = answers(80, 3)
    other = 3 * answers(50, 4)[0] + torch.tensor([2.0, 0, 0, 0])
    call = adversity.create("uncertainty", "weighted_conformal", alpha=0.05).fit(
        logits, labels, sources={"unlabelled": (other,)}
    )
    state = call.ready.state
    assert state is not None
    logs = logits.double().log_softmax(1).numpy() @ state.arrays["slopes"] + state.arrays["level"]
    weights = np.exp(logs)
    assert weights.max() == pytest.approx(1)
    worth = weights.sum() ** 2 / (weights**2).sum()
    full = int(call(other).all(1).sum())
    assert state.info["effective_n"] == pytest.approx(worth)
    # A finite threshold may let all classes in as well: a set of all is at least that.
    assert 0 < state.info["unbounded"] <= full
    said = (
        f"the 80 held-out rows, weighed, are worth {worth:,.1f}; {state.info['unbounded']:,} of 50 "
        "unlabelled rows get all classes"
    )
    apart = state.info["told_apart"]
    assert apart > APART
    assert state.info["note"].startswith(said + "; they differ too much for the promise")
    assert f"told apart with an AUROC of {apart:.2f}, and above 0.75" in state.info["note"]
    alike = adversity.create("uncertainty", "weighted_conformal", alpha=0.05).fit(
        logits, labels, sources={"unlabelled": (answers(50, 4)[0],)}
    )
    assert alike.ready.state is not None
    assert alike.ready.state.info["note"].endswith("unlabelled rows get all classes")


def test_how_well_sources_are_told_apart_is_no_fit_of_the_same_rows() -> None:
    """Of Gaussians a step d apart it is Phi(d / sqrt 2); of the same one a half, as a mean.

    The twin, told by the ratio of the same rows, is above a half by far: ten slopes fit noise.
    """
    rng = np.random.default_rng(0)
    here, there = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1)) + 1
    found = told_apart(here, there, penalty=1.0)
    # An AUROC of 4000 rows each has an error of at most .25 / sqrt 1000 / 2; three of them.
    assert found == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.012)
    ours, twins = [], []
    for _ in range(100):
        a, b = rng.normal(size=(60, 10)), rng.normal(size=(60, 10))
        ours.append(told_apart(a, b, penalty=1.0))
        ratio = likelihood_ratio(a, b, penalty=1.0)
        twins.append(float((ratio.of(b)[:, None] > ratio.of(a)[None, :]).mean()))
    # One of 30 against 30 rows has an error of .075, a mean of two of 100 draws .0053.
    assert np.mean(ours) == pytest.approx(0.5, abs=0.02)
    assert np.mean(twins) > 0.65
    assert told_apart(here[:1], there, penalty=1.0) is None


def test_a_row_is_about_itself() -> None:
    """One by one, backwards or all together: the same sets."""
    logits, labels = answers(60, 5)
    call = adversity.create("uncertainty", "weighted_conformal", alpha=0.2).fit(
        logits, labels, sources={"unlabelled": (logits + 1.5 * torch.eye(4)[0],)}
    )
    whole = call(logits)
    assert torch.equal(torch.cat([call(row[None]) for row in logits]), whole)
    assert torch.equal(call(logits.flip(0)).flip(0), whole)


def test_what_cannot_be_used_is_refused() -> None:
    """No fit, no rows, no probabilities, other classes, a state of something else."""
    plugin = WeightedConformal()
    probs = torch.full((1, 3), 1 / 3)
    with pytest.raises(NotFittedError, match="expects fitted thresholds"):
        plugin.decide(Predictive(probs))
    with pytest.raises(DataError, match=r"expects stored scores and log_limits \[n\]"):
        plugin.load(State({"scores": np.zeros(3)}))
    ones = np.ones(2)
    plugin.load(State({"scores": ones, "log_limits": ones, "slopes": ones, "level": np.zeros(1)}))
    with pytest.raises(DataError, match="fitted on 2 classes, got 3"):
        plugin.decide(Predictive(probs))
    with pytest.raises(DataError, match="got none: use a classifier"):
        plugin.decide(Predictive())


def test_parameters_have_limits() -> None:
    """Alpha lies between 0 and 1, and the penalty above 0."""
    for wrong in ({"alpha": 0}, {"alpha": 1}, {"penalty": 0}):
        with pytest.raises(ValueError, match=r"should be (greater|less) than"):
            WeightedConformal(**wrong)
