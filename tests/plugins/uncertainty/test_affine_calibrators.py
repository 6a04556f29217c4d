"""Vector and matrix scaling and Dirichlet calibration against other programs' optima."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

import adversity
from adversity_plugins.uncertainty.calibration._affine_fit import MatrixLoss, VectorLoss

UNPENALISED = {"off_diagonal": 0, "intercept": 0}


def drawn(count: int = 400, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits whose classes are confused, each with a scale and a shift of its own."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, count)
    logits = draw.normal(0, 1, (count, classes))
    logits[np.arange(count), labels] += 1.5
    mixed = logits @ (np.eye(classes) + draw.normal(0, 0.2, (classes, classes)))
    return np.float32(3 * mixed * np.linspace(0.5, 1.5, classes) + np.arange(classes)), labels


def fitted(name: str, logits: np.ndarray, labels: np.ndarray, **parameters: object):
    method = adversity.create("uncertainty", name, **parameters)
    return method.fit(torch.from_numpy(logits), torch.from_numpy(labels))


def mean_loss(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    rows = -log_softmax(scores, axis=1)[np.arange(len(labels)), labels]
    return float(np.average(rows, weights=weights))


@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_vector_scaling_is_scipys_optimum_at_any_scale(scale: float) -> None:
    """BFGS on w and b themselves, by numeric gradients, ends at no smaller loss (1e-8), and there.

    A loss 1e-8 above the smallest leaves the probabilities within some 1e-4.
    """
    logits, labels = drawn()
    z = logits.astype(float)

    def loss(values: np.ndarray) -> float:
        return mean_loss(values[:4] * z + values[4:], labels)

    other = minimize(loss, np.r_[np.ones(4), np.zeros(4)], method="BFGS", options={"gtol": 1e-6})
    scaled = np.float32(scale * logits)
    state = fitted("vector_scaling", scaled, labels).ready.state
    assert state.info["nll_after"] == pytest.approx(other.fun, abs=1e-8)
    np.testing.assert_allclose(state.arrays["weights"] * scale, other.x[:4], atol=1e-3)
    np.testing.assert_allclose(state.arrays["bias"], other.x[4:] - other.x[4:].mean(), atol=2e-3)
    # One temperature for all classes is another, and worse.
    single = fitted("temperature_scaling", scaled, labels).ready.state.info
    assert state.info["nll_after"] < single["nll_after"] - 0.01
    assert np.ptp(other.x[:4]) > 0.1


def test_where_the_truth_is_a_temperature_vector_scaling_finds_it() -> None:
    """Labels of softmax(z / 2) of 8000 rows: all w near 1/2, all b near 0 (0.05: the draw)."""
    draw = np.random.default_rng(3)
    z = np.float32(3 * draw.normal(0, 1, (8000, 4)))
    labels = (softmax(z / 2, axis=1).cumsum(1) < draw.random((8000, 1))).sum(1).clip(0, 3)
    state = fitted("vector_scaling", z, labels).ready.state
    np.testing.assert_allclose(state.arrays["weights"], 0.5, atol=0.05)
    np.testing.assert_allclose(state.arrays["bias"], 0, atol=0.05)


def test_matrix_scaling_without_penalties_is_scikit_learns_regression() -> None:
    """Multinomial logistic regression on the logits, C = 1e10, gives the same probabilities."""
    logits, labels = drawn()
    model = LogisticRegression(C=1e10, max_iter=10_000, tol=1e-8).fit(logits.astype(float), labels)
    expected = model.predict_proba(logits.astype(float))
    probs = fitted("matrix_scaling", logits, labels, **UNPENALISED)(torch.from_numpy(logits))
    np.testing.assert_allclose(probs, expected, atol=5e-4)
    penalised = fitted("matrix_scaling", logits, labels)(torch.from_numpy(logits))
    assert np.abs(penalised.numpy() - expected).max() > 5e-3


@pytest.mark.parametrize("name", ["matrix_scaling", "dirichlet"])
def test_no_other_matrix_has_a_smaller_loss_with_its_penalties(name: str) -> None:
    """The loss of Kull 2019, equation 11, written anew: it is flat at what was found.

    The search ends at slopes of 1e-7 in its own coordinates; those of W are a few times steeper.
    """
    logits, labels = drawn()
    off, shift = 2.0, 0.5
    state = fitted(name, logits, labels, off_diagonal=off, intercept=shift).ready.state
    x = (
        logits.astype(float)
        if name == "matrix_scaling"
        else log_softmax(logits.astype(float), axis=1)
    )

    def loss(values: np.ndarray, share: float = 1.0) -> float:
        weights, bias = values[:16].reshape(4, 4), values[16:]
        outside = (weights[~np.eye(4, dtype=bool)] ** 2).sum()
        penalty = off / (4 * 3) * outside + shift / 4 * (bias**2).sum()
        return mean_loss(x @ weights.T + bias, labels) + share * penalty

    there = np.r_[state.arrays["weights"].ravel(), state.arrays["bias"]]
    assert np.abs(approx_fprime(there, loss, 1e-6)).max() < 1e-4
    # The twin: without the penalties, or with half of them, it is not.
    for share in (0.0, 0.5):
        assert np.abs(approx_fprime(there, lambda v, s=share: loss(v, s), 1e-6)).max() > 1e-3


@pytest.mark.parametrize("off", [0.0, 3.0])
def test_gradients_are_those_of_differences(off: float) -> None:
    """Both losses, in their own coordinates, with weights and penalties (differences are 1e-6 off)."""
    logits, labels = drawn(60)
    weights = np.random.default_rng(1).uniform(0.2, 3, 60)
    x = logits.astype(float)
    losses = [
        VectorLoss(x, labels, weights, 0.7),
        MatrixLoss(
            x, labels, weights, np.arange(4), start=0.7, off_diagonal=off, intercept=off / 2
        ),
    ]
    for loss in losses:
        point = np.random.default_rng(2).normal(0, 0.3, loss.size)
        value, slopes = loss(point)
        expected = approx_fprime(point, lambda v, f=loss: f(v)[0], 1e-6)
        np.testing.assert_allclose(slopes, expected, atol=1e-5)
        w, b = loss.unpacked(point)
        scores = x * w + b if w.ndim == 1 else x @ w.T + b
        found = mean_loss(scores, labels, weights)
        if w.ndim == 2:
            outside = (w[~np.eye(4, dtype=bool)] ** 2).sum()
            found += off / 12 * outside + off / 2 / 4 * (b**2).sum()
        assert value == pytest.approx(found, abs=1e-12)
        assert np.abs(expected).max() > 1e-3


def test_dirichlet_is_matrix_scaling_of_log_probabilities() -> None:
    """And what is added to all logits of a row changes nothing, which matrix scaling feels."""
    logits, labels = drawn()
    moved = logits + np.float32(np.random.default_rng(4).normal(0, 3, (len(logits), 1)))
    logs = np.float32(log_softmax(moved.astype(float), axis=1))
    answers = {
        "dirichlet": fitted("dirichlet", moved, labels)(torch.from_numpy(moved)),
        "of log p": fitted("matrix_scaling", logs, labels)(torch.from_numpy(logs)),
        "not moved": fitted("dirichlet", logits, labels)(torch.from_numpy(logits)),
        "of logits": fitted("matrix_scaling", moved, labels)(torch.from_numpy(moved)),
    }
    # float32 of the logits, of the size of 20: 1e-6, some times over.
    for name in ("of log p", "not moved"):
        np.testing.assert_allclose(answers["dirichlet"], answers[name], atol=5e-5)
    assert float((answers["dirichlet"] - answers["of logits"]).abs().max()) > 0.01


def test_many_parameters_are_told_and_the_penalties_help() -> None:
    """Of 30 classes on 300 rows the plain matrix fits these rows and no others; the note says so."""
    logits, labels = drawn(300, 30)
    other, truth = drawn(2000, 30)
    losses = {}
    for kind, parameters in {"plain": UNPENALISED, "penalised": {}}.items():
        found = fitted("matrix_scaling", logits, labels, **parameters, rounds=100)
        assert "930 parameters on 300 rows" in found.ready.state.info["note"]
        probs = found(torch.from_numpy(other)).double().clamp_min(1e-30)
        losses[kind] = float(-probs[np.arange(len(truth)), truth].log().mean())
    assert losses["penalised"] < mean_loss(other.astype(float), truth) < losses["plain"]


def test_a_search_that_was_cut_off_says_so() -> None:
    """After one round the likelihood still rises."""
    info = fitted("vector_scaling", *drawn(), rounds=1).ready.state.info
    assert "the likelihood still rose after 1 rounds" in info["note"]
    assert "still rose" not in fitted("vector_scaling", *drawn()).ready.state.info["note"]


@pytest.mark.parametrize("name", ["vector_scaling", "matrix_scaling", "dirichlet", "beta"])
def test_gradients_of_answers(name: str) -> None:
    """Attacks go through: the gradient passes a finite-difference check in float64.

    Also with a class that has no held-out row.
    """
    logits, labels = drawn()
    for seen in (labels >= 0, labels != 1):
        plugin = fitted(name, logits[seen], labels[seen]).ready.plugin
        rows = torch.from_numpy(logits[:3]).double().requires_grad_()
        assert torch.autograd.gradcheck(plugin.calibrate, rows)
