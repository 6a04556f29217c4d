"""Class frequencies of unlabelled rows: against a solver, Bayes' rule, and themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import softmax
from scipy.stats import norm

import adversity
from adversity import State
from adversity.errors import DataError, InputError, NotFittedError
from adversity_plugins.uncertainty.calibration._class_frequencies import (
    covariance,
    frequencies,
    intervals,
)
from adversity_plugins.uncertainty.calibration.label_shift import LabelShift


def rows(count: int, classes: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(0, 2, (count, classes))


@pytest.mark.parametrize("seed", range(4))
def test_the_likelihood_is_the_largest_on_the_simplex(seed: int) -> None:
    """A solver that knows nothing of expectation maximisation finds the same frequencies."""
    rng = np.random.default_rng(seed)
    probs = softmax(rows(200, 4, seed), axis=1)
    before = rng.dirichlet(np.full(4, 5.0))

    def loss(q: Any) -> float:
        return -float(np.log((probs * (q / before)).sum(1)).mean())

    solved = minimize(
        loss,
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    found, _ = frequencies(probs, before)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert loss(found) <= loss(solved.x) + 1e-9
    assert found == pytest.approx(solved.x, abs=2e-4)  # the loss is flat there: its root is lost


def test_of_the_same_rows_nothing_is_weighed() -> None:
    """Where `train` is what is unlabelled, q is p at once, and T is that of temperature scaling."""
    logits = torch.from_numpy(rows(300, 5, 0)).float()
    labels = np.random.default_rng(1).integers(0, 5, 300)
    ours = adversity.create("uncertainty", "label_shift").fit(
        logits, labels, sources={"unlabelled": (logits,)}
    )
    scaled = adversity.create("uncertainty", "temperature_scaling").fit(logits, labels)
    assert ours(logits).numpy() == pytest.approx(scaled(logits).numpy(), abs=1e-6)


def gauss(count: int, share: float, seed: int) -> tuple[Any, Any]:
    """Draw x of class 1 (mean 1) with probability `share`, else of class 0 (mean -1)."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < share).astype(int)
    return rng.normal(2 * labels - 1, 1), labels


def bayes(x: Any, share: float) -> Any:
    """Return the probability of class 1."""
    one, zero = share * norm.pdf(x, 1), (1 - share) * norm.pdf(x, -1)
    return one / (one + zero)


def test_it_is_bayes_rule_where_the_model_is_right() -> None:
    """Two Gaussians, half and half where it was fitted and nine to one where it is used.

    Of 20 000 rows the share is known to about 0.004, five of which are allowed.
    """
    x, labels = gauss(20_000, 0.5, 0)
    there, _ = gauss(20_000, 0.9, 1)
    logits, other = (torch.tensor(np.stack([-v, v], 1)).float() for v in (x, there))
    fitted = adversity.create("uncertainty", "label_shift").fit(
        logits, labels, sources={"unlabelled": (other,)}
    )
    state = fitted.ready.state
    assert state.info["frequencies_after"]["1"] == pytest.approx(0.9, abs=0.02)
    assert state.info["n_unlabelled"] == 20_000
    grid = np.linspace(-3, 3, 41)
    given = fitted(torch.tensor(np.stack([-grid, grid], 1)).float())[:, 1].numpy()
    assert np.abs(given - bayes(grid, 0.9)).max() < 0.05
    assert np.abs(bayes(grid, 0.5) - bayes(grid, 0.9)).max() > 0.4  # without it


def test_intervals_hold_the_truth_where_the_model_is_right() -> None:
    """95 % of 300 draws of both sources; without the error of the labelled rows' mean in fewer."""
    middles, before = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), np.array([0.4, 0.3, 0.3])
    truth, hits, narrow = np.array([0.2, 0.3, 0.5]), [], []

    def drawn(rng: Any, count: int, shares: Any) -> Any:
        x = middles[rng.choice(3, count, p=shares)] + rng.normal(0, 1, (count, 2))
        return softmax(-((x[:, None] - middles) ** 2).sum(2) / 2 + np.log(before), axis=1)

    for seed in range(300):
        rng = np.random.default_rng(seed)
        labelled, probs = drawn(rng, 250, before), drawn(rng, 400, truth)
        mean = labelled.mean(0)
        found, _ = frequencies(probs, mean)
        spread = covariance(probs, labelled, mean, found)
        # As if the labelled rows were without end.
        sharp = covariance(probs, np.tile(labelled, (100, 1)), mean, found)
        for each, kept in ((spread, hits), (sharp, narrow)):
            assert each is not None
            low, high = intervals(found, each).T
            kept.append((low <= truth) & (truth <= high))
    # 300 draws know a share of 0.95 to 0.013.
    assert np.mean(hits, axis=0) == pytest.approx([0.95] * 3, abs=0.035)
    assert np.mean(narrow) < 0.92 < np.mean(hits)


def test_the_interval_is_as_wide_as_draws_spread() -> None:
    """Of whole fits, each with its own temperature: the half width is 1.96 of their deviation."""
    found, halves = [], []
    for seed in range(100):
        x, labels = gauss(500, 0.5, seed)
        there, _ = gauss(500, 0.8, 10_000 + seed)
        logits, other = (torch.tensor(np.stack([-v, v], 1)).float() for v in (x, there))
        fitted = adversity.create("uncertainty", "label_shift").fit(
            logits, labels, sources={"unlabelled": (other,)}
        )
        info = fitted.ready.state.info
        low, high = info["intervals_after"]["1"]
        found.append(info["frequencies_after"]["1"])
        halves.append((high - low) / 2)
    # 100 draws know a deviation to 7 %.
    assert np.mean(halves) / 1.96 == pytest.approx(np.std(found), rel=0.21)


def test_classes_that_are_alike_in_every_row_have_no_interval() -> None:
    """Nothing says which of the two it is: from 0 to 1, and a note."""
    logits = torch.from_numpy(rows(200, 3, 0)).float()
    logits[:, 2] = logits[:, 1]
    fitted = adversity.create("uncertainty", "label_shift").fit(
        logits, np.arange(200) % 3, sources={"unlabelled": (logits[:90],)}
    )
    info = fitted.ready.state.info
    assert set(map(tuple, info["intervals_after"].values())) == {(0.0, 1.0)}
    assert "no interval: some classes have like probabilities in every row" in info["note"]


def test_the_other_rows_need_no_order_and_no_blocks() -> None:
    """Mixed rows give the same frequencies, but for the rounding of sums."""
    probs = softmax(rows(500, 6, 3), axis=1)
    before = np.full(6, 1 / 6)
    mixed = np.random.default_rng(0).permutation(500)
    assert frequencies(probs, before)[0] == pytest.approx(
        frequencies(probs[mixed], before)[0], abs=1e-10
    )


def test_labels_of_what_is_unlabelled_are_refused() -> None:
    """From Python, where a caller could hand them over."""
    logits = torch.from_numpy(rows(120, 3, 0)).float()
    labels = np.arange(120) % 3
    shift = adversity.create("uncertainty", "label_shift")
    with pytest.raises(DataError, match="unlabelled: expected it without labels"):
        shift.fit(logits, labels, sources={"unlabelled": (logits, labels)})
    with pytest.raises(InputError, match="unlabelled is missing"):
        shift.fit(logits, labels)


def test_unfitted_and_damaged_are_refused() -> None:
    """A message, and no answer."""
    with pytest.raises(NotFittedError, match="got none"):
        LabelShift().calibrate(torch.zeros(2, 3))
    for arrays in ({}, {"temperature": np.array([0.0]), "shifts": np.zeros(3)}):
        with pytest.raises(DataError, match="fit it again"):
            LabelShift().load(State(arrays))
