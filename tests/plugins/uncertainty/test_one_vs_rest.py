"""Histogram binning, isotonic regression, BBQ and beta calibration against other programs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

import adversity
from adversity import State
from adversity.metrics import ece
from adversity_plugins.uncertainty.calibration._calibration_bins import equal_mass


def drawn(count: int = 400, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits that are too sure, rounded so that some probabilities are tied."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, count)
    logits = draw.normal(0, 1, (count, classes))
    logits[np.arange(count), labels] += 1.5
    return np.float32((2.5 * logits).round(1)), labels


def plugin(name: str, logits: np.ndarray, labels: np.ndarray, weights=None, **parameters):
    method = adversity.create("uncertainty", name, **parameters)
    fit = method.fit(torch.from_numpy(logits), torch.from_numpy(labels), weights=weights)
    return fit.ready.plugin, fit.ready.state


def asked(method, logits: np.ndarray) -> np.ndarray:
    """Return the answer in float64."""
    return method.calibrate(torch.from_numpy(logits).double()).numpy()


def shares(columns: list[np.ndarray]) -> np.ndarray:
    table = np.column_stack(columns)
    return table / table.sum(1, keepdims=True)


@pytest.mark.parametrize("floor", [0.0, None])
def test_isotonic_is_scikit_learns(floor: float | None) -> None:
    """Weights, ties, and lines between held-out rows: as scikit-learn's, class by class (1e-12)."""
    logits, labels = drawn()
    weights = np.random.default_rng(1).uniform(0.2, 3, len(labels))
    method, _ = plugin("isotonic", logits, labels, weights, floor=floor)
    other = drawn(500, seed=1)[0]
    probs, asks = softmax(logits.astype(float), axis=1), softmax(other.astype(float), axis=1)
    low = 1 / (weights.sum() + 2) if floor is None else floor

    def expected(counted: np.ndarray | None) -> np.ndarray:
        return shares(
            [
                IsotonicRegression(y_min=low, y_max=1 - low, out_of_bounds="clip")
                .fit(probs[:, k], labels == k, counted)
                .predict(asks[:, k])
                for k in range(4)
            ]
        )

    np.testing.assert_allclose(asked(method, other), expected(weights), atol=1e-9)
    assert np.abs(asked(method, other) - expected(None)).max() > 0.01


@pytest.mark.parametrize("spacing", ["width", "mass"])
def test_histogram_binning_is_calibrated_on_its_own_rows(spacing: str) -> None:
    """Of two classes the calibration error over its own rows is 0 (1e-12); before it was not."""
    logits, labels = drawn(500, 2)
    logits += np.random.default_rng(7).normal(0, 1e-3, logits.shape).astype(np.float32)
    method, _ = plugin("histogram_binning", logits, labels, floor=0.0, spacing=spacing, bins=10)
    after = asked(method, logits)
    assert ece(logits=logits, labels=labels).value > 0.05
    if spacing == "width":  # those of equal mass are other rows for the second class
        assert ece(after, labels, bins=1000).value < 1e-12
    first = method._mapped(torch.from_numpy(softmax(logits.astype(float), axis=1)))[:, 0].numpy()
    for value in np.unique(first):
        rows = first == value
        assert (labels[rows] == 0).mean() == pytest.approx(value, abs=1e-12)


def test_histogram_binning_counts_what_is_in_each_bin() -> None:
    """By loops over bins (low, high], with weights, a floor, and bins without rows."""
    logits, labels = drawn(150, 3)
    weights = np.random.default_rng(1).uniform(0.2, 3, len(labels))
    method, state = plugin("histogram_binning", logits, labels, weights, bins=40)
    probs, other = softmax(logits.astype(float), axis=1), drawn(300, 3, seed=1)[0]
    asks, low, empty = softmax(other.astype(float), axis=1), 1 / (weights.sum() + 2), 0
    expected = asks.copy()
    for k in range(3):
        for b in range(40):
            inside = (probs[:, k] > b / 40) & (probs[:, k] <= (b + 1) / 40)
            there = (asks[:, k] > b / 40) & (asks[:, k] <= (b + 1) / 40)
            empty += not inside.any()
            if inside.any():
                share = np.average(labels[inside] == k, weights=weights[inside])
                expected[there, k] = np.clip(share, low, 1 - low)
    np.testing.assert_allclose(asked(method, other), shares(list(expected.T)), atol=1e-12)
    assert state.info["empty_bins"] == empty > 0


NETCAL = {
    "isotonic": [
        [0.25187865, 0.120731308, 0.423488279, 0.203901764],
        [0.0, 0.141563161, 0.747138905, 0.111297934],
        [0.118491658, 0.214248985, 0.043023757, 0.624235599],
    ],
    "histogram_binning": [
        [0.281723325, 0.058313699, 0.430410636, 0.229552339],
        [0.05278312, 0.056826988, 0.821754698, 0.068635194],
        [0.048981882, 0.172991567, 0.059446193, 0.718580357],
    ],
}
"""What netcal 1.4.0 gives for three rows; 10 bins. Its BBQ scores binnings in another way."""


@pytest.mark.parametrize("name", NETCAL)
def test_the_values_of_netcal(name: str) -> None:
    """The same rows, without a floor, and no row on an edge: as written down (1e-8)."""
    bins = {"bins": 10} if name == "histogram_binning" else {}
    method, _ = plugin(name, *drawn(), floor=0.0, **bins)
    np.testing.assert_allclose(asked(method, drawn(3, seed=1)[0]), NETCAL[name], atol=1e-8)


def test_the_values_of_betacal() -> None:
    """betacal 1.1.0 (abm) on the same rows; its solver stops within 1e-3 of the optimum."""
    _, state = plugin("beta", *drawn())
    expected = [
        [0.58409789, 0.86971694, -0.32042117],
        [0.50332187, 0.55858774, -0.51359066],
        [0.45086463, 0.51559879, -0.46977578],
        [0.55232244, 0.62520188, -0.24347456],
    ]
    np.testing.assert_allclose(state.arrays["coefficients"], expected, atol=1e-3)


def test_bins_of_equal_mass_keep_ties_together_and_count_weights() -> None:
    """Edges are halfway between unlike values, where the mass of a share is reached."""
    probs = np.array([0.1, 0.2, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert equal_mass(probs, np.ones(8), 2).tolist() == [0.25]
    assert equal_mass(probs, np.ones(8), 8).tolist() == pytest.approx(
        [0.15, 0.25, 0.35, 0.45, 0.55]
    )
    assert equal_mass(probs, np.r_[np.ones(7), 7.0], 2).tolist() == pytest.approx([0.55])
    assert equal_mass(np.full(5, 0.3), np.ones(5), 4).tolist() == []


def bbq_by_enumeration(probs: np.ndarray, true: np.ndarray, ask: float, *, flat: bool) -> float:
    """Return the mean over all binnings, each scored by products of gamma functions."""
    n = len(probs)
    root = n ** (1 / 3)
    scores, answers = [], []
    for bins in range(max(1, int(root / 10)), max(1, int(root * 10)) + 1):
        edges = equal_mass(np.sort(probs), np.ones(n), bins)
        ends, score, answer = [0.0, *edges, 1.0], 0.0, math.nan
        for low, high in itertools.pairwise(ends):
            rows = (probs > low) & (probs <= high)
            hits, total, mass = int(true[rows].sum()), int(rows.sum()), 2 / (len(ends) - 1)
            a, b = mass * (low + high) / 2, mass * (1 - (low + high) / 2)
            score += math.lgamma(mass) - math.lgamma(total + mass)
            score += math.lgamma(hits + a) - math.lgamma(a)
            score += math.lgamma(total - hits + b) - math.lgamma(b)
            if low < ask <= high:
                answer = (hits + a) / (total + mass)
        scores.append(0.0 if flat else score)
        answers.append(answer)
    weights = softmax(scores)
    assert weights.sum() == pytest.approx(1)
    return float(weights @ answers)


def test_bbq_is_the_mean_over_all_binnings() -> None:
    """By enumeration with the BDeu score (1e-9); binnings counted alike give something else."""
    logits, labels = drawn(120, 3)
    method, _ = plugin("bbq", logits, labels)
    probs = softmax(logits.astype(float), axis=1)
    other = drawn(8, 3, seed=1)[0]
    asks = softmax(other.astype(float), axis=1)
    for flat, far in ((False, False), (True, True)):
        table = [
            [bbq_by_enumeration(probs[:, k], labels == k, p, flat=flat) for p in asks[:, k]]
            for k in range(3)
        ]
        gap = np.abs(asked(method, other) - shares([np.array(c) for c in table])).max()
        assert (gap > 0.01) if far else (gap < 1e-9)


def test_beta_is_scikit_learns_regression_on_both_logs() -> None:
    """Of a class, logistic regression on log p and -log(1 - p) with C = 1e10; weights count."""
    logits, labels = drawn(600, 3)
    weights = np.random.default_rng(1).uniform(0.2, 3, len(labels))
    method, state = plugin("beta", logits, labels, weights)
    probs = softmax(logits.astype(float), axis=1)
    mapped, compared = [], 0
    for k in range(3):
        features = np.column_stack([np.log(probs[:, k]), -np.log1p(-probs[:, k])])
        line = state.arrays["coefficients"][k]
        model = LogisticRegression(C=1e10, max_iter=10_000, tol=1e-10)
        model.fit(features, labels == k, sample_weight=weights)
        if (model.coef_ > 0).all():
            compared += 1
            np.testing.assert_allclose(line, np.r_[model.coef_[0], model.intercept_], atol=2e-3)
        mapped.append(1 / (1 + np.exp(-(features @ line[:2] + line[2]))))
        unweighted = LogisticRegression(C=1e10, max_iter=10_000, tol=1e-10)
        unweighted.fit(features, labels == k)
        assert np.abs(unweighted.coef_[0] - line[:2]).max() > 0.004
    assert compared
    np.testing.assert_allclose(asked(method, logits), shares(mapped), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_beta_keeps_both_exponents_above_0(seed: int) -> None:
    """Where the free fit is below 0, SciPy's search with bounds finds the same loss (1e-7)."""
    draw = np.random.default_rng(seed)
    logits = np.float32(draw.normal(0, 2, (300, 2)))
    p = softmax(logits.astype(float), axis=1)[:, 0]
    rising = np.clip(0.3 + (0.6 * (p > 0.5) if seed % 2 else 0.6 * (p - 0.5) ** 3), 0, 1)
    labels = 1 - (draw.random(300) < rising).astype(int)
    _, state = plugin("beta", logits, labels)
    features = np.column_stack([np.log(p), -np.log1p(-p)])

    def loss(line: np.ndarray) -> float:
        scores = features @ line[:2] + line[2]
        return float((np.logaddexp(0, scores) - (labels == 0) * scores).mean())

    bounds = [(0, None), (0, None), (None, None)]
    other = minimize(loss, np.ones(3), bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
    line = state.arrays["coefficients"][0]
    assert (line[:2] >= 0).all()
    assert loss(line) == pytest.approx(other.fun, abs=1e-7)


def test_beta_leaves_a_class_that_a_threshold_tells_apart() -> None:
    """No coefficients are the likeliest there: the class keeps its probability, and is named."""
    logits, labels = drawn(400, 4)
    logits[:, 2] = np.where(labels == 2, 30.0, -30.0)
    method, state = plugin("beta", logits, labels)
    assert state.arrays["fitted"].tolist() == [1, 1, 0, 1]
    assert "1 of 4 classes" in state.info["note"]
    np.testing.assert_allclose(
        asked(method, logits)[:, 2], softmax(logits.astype(float), axis=1)[:, 2], atol=1e-12
    )


@pytest.mark.parametrize("gap", [1.0, 30.0, 200.0])
def test_beta_is_exact_next_to_1(gap: float) -> None:
    """Of two classes log(1 - p) is log p of the other, however sure the answer is."""
    logits, labels = drawn(400, 2)
    method, state = plugin("beta", logits, labels)
    row = np.array([[0.0, -gap]], np.float32)
    log_p, log_q = -np.log1p(np.exp(-gap)), -gap - np.log1p(np.exp(-gap))
    (a, b, c), (d, e, f) = state.arrays["coefficients"]
    odds = np.array([a * log_p - b * log_q + c, d * log_q - e * log_p + f])
    logs = -np.logaddexp(0, -odds)
    np.testing.assert_allclose(asked(method, row)[0], softmax(logs), rtol=1e-9)


def test_where_all_maps_give_0_the_answer_is_uniform_and_flagged() -> None:
    """A row whose bins are 0 for all classes: uniform over them, and `uniform` tells it."""
    method = adversity.create("uncertainty", "histogram_binning", bins=2, floor=0.0).ready.plugin
    edges, values = np.full((3, 1), 0.5), np.array([[0.0, 0.9]] * 3)
    method.load(State({"fitted": np.ones(3, np.uint8), "edges": edges, "values": values}))
    rows = torch.tensor([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]], dtype=torch.float64)
    assert method.calibrate(rows).tolist() == [pytest.approx([1 / 3] * 3), [1.0, 0.0, 0.0]]
    assert method.uniform(rows).tolist() == [True, False]


def test_an_attack_gets_the_gradient_of_what_comes_in() -> None:
    """Binned answers are flat: the gradient of log p is that of the logits' own, the value theirs."""
    logits, labels = drawn()
    call = adversity.create("uncertainty", "histogram_binning")
    call = call.fit(torch.from_numpy(logits), torch.from_numpy(labels)).ready.call
    rows = torch.from_numpy(logits[:5]).requires_grad_()
    found = call.answers(rows)
    (slopes,) = torch.autograd.grad(found.sum(), rows)
    (plain,) = torch.autograd.grad(rows.log_softmax(1).sum(), rows)
    np.testing.assert_allclose(found.detach(), call(rows.detach()).log(), atol=1e-5)
    np.testing.assert_allclose(slopes, plain, atol=1e-4)
