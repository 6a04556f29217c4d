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
from adversity_plugins.uncertainty.calibration._class_frequencies import frequencies
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
