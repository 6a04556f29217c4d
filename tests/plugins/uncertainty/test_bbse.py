"""Class frequencies by the confusion matrix: exact where the marginals are, with honest intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

import adversity
from adversity.errors import DataError
from adversity_plugins.uncertainty.calibration._confusion_frequencies import solved

NAMES = ("a", "b", "c")
CONFUSED = np.array([[0.8, 0.1, 0.2], [0.1, 0.7, 0.1], [0.1, 0.2, 0.7]])
"""How often class k, a column, is answered i."""


def answered(counts: Any) -> tuple[Any, Any]:
    """Return one-hot answers and classes, so many rows for each cell of `[answer, class]`."""
    cells = [(i, k) for i in range(3) for k in range(3) for _ in range(int(counts[i][k]))]
    answers, targets = np.array(cells).T
    return np.eye(3)[answers], targets


def drawn(rng: np.random.Generator, count: int, shares: Any) -> tuple[Any, Any]:
    """Draw classes by their shares, and answers by the confusion matrix."""
    targets = rng.choice(3, count, p=shares)
    answers = (rng.random(count)[:, None] > CONFUSED.T.cumsum(1)[targets]).sum(1)
    return np.eye(3)[answers], targets


@pytest.mark.parametrize("held", [(100, 100, 100), (300, 200, 100)])
def test_exact_marginals_give_the_exact_frequencies(held: Any) -> None:
    """Rows in exactly these shares: q to the last digits, whatever the frequencies before."""
    rows, targets = answered(CONFUSED * np.array(held))
    q = np.array([0.6, 0.1, 0.3])
    other, _ = answered(np.round(CONFUSED * q * 1000))
    assert solved(rows, targets, other, NAMES).frequencies == pytest.approx(q, abs=1e-12)
    # The twin that fails: answers counted, as if none were wrong.
    assert np.abs(other.mean(0) - q).max() > 0.04


def test_it_is_lipton_s_equation() -> None:
    """From joint frequencies C and w = C^-1 m: q = w p."""
    rng = np.random.default_rng(0)
    rows, targets = drawn(rng, 500, [0.5, 0.3, 0.2])
    other, _ = drawn(rng, 300, [0.2, 0.2, 0.6])
    joint = rows.T @ np.eye(3)[targets] / 500
    expected = np.linalg.solve(joint, other.mean(0)) * np.bincount(targets) / 500
    assert solved(rows, targets, other, NAMES).frequencies == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("soft", [False, True])
def test_intervals_hold_the_truth(soft: bool) -> None:
    """95 % of 600 draws of both sources; without the error of the matrix they hold it in fewer."""
    truth, hits, narrow, errors = np.array([0.2, 0.3, 0.5]), [], [], []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        rows, targets = drawn(rng, 250, [0.4, 0.3, 0.3])
        other, _ = drawn(rng, 400, truth)
        if soft:  # probabilities that lean to the answer, some more
            rows, other = (
                (each + t[:, None]) / (1 + 3 * t[:, None])
                for each, t in ((rows, rng.random(250)), (other, rng.random(400)))
            )
        found = solved(rows, targets, other, NAMES)
        low, high = found.intervals.T
        hits.append((low <= truth) & (truth <= high))
        errors.append(found.frequencies - truth)
        columns = np.stack([rows[targets == k].mean(0) for k in range(3)], 1)
        alone = np.linalg.inv(columns) @ np.cov(other, rowvar=False) @ np.linalg.inv(columns).T
        half = 1.96 * np.sqrt(np.diag(alone) / 400)
        narrow.append(np.abs(found.frequencies - truth) <= half)
    # 600 draws know a share of 0.95 to 0.009.
    assert np.mean(hits, axis=0) == pytest.approx([0.95] * 3, abs=0.03)
    assert (np.mean(narrow, axis=0) < 0.9).all()
    # A mean of differences has no bias to speak of: a tenth of their spread.
    assert (np.abs(np.mean(errors, axis=0)) < 0.15 * np.std(errors, axis=0)).all()


def two_gaussians(count: int, share: float, seed: int) -> tuple[Any, Any]:
    """Draw x of class 1 (mean 1) with probability `share`, else of class 0 (mean -1)."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < share).astype(int)
    return rng.normal(2 * labels - 1, 1), labels


@pytest.mark.parametrize("soft", [False, True])
def test_it_is_bayes_rule_where_the_model_is_right(soft: bool) -> None:
    """Half and half where it was fitted, nine to one where it is used: known to about 0.005."""
    x, labels = two_gaussians(20_000, 0.5, 0)
    there, _ = two_gaussians(20_000, 0.9, 1)
    logits, other = (torch.tensor(np.stack([-v, v], 1)).float() for v in (x, there))
    fitted = adversity.create("uncertainty", "bbse", soft=soft).fit(
        logits, labels, sources={"unlabelled": (other,)}
    )
    state = fitted.ready.state
    assert state.info["frequencies_after"]["1"] == pytest.approx(0.9, abs=0.025)
    low, high = state.info["intervals_after"]["1"]
    assert low <= 0.9 <= high < low + 0.06
    assert state.arrays["covariance"].shape == (2, 2)
    grid = np.linspace(-3, 3, 41)
    given = fitted(torch.tensor(np.stack([-grid, grid], 1)).float())[:, 1].numpy()
    one, zero = 0.9 * norm.pdf(grid, 1), 0.1 * norm.pdf(grid, -1)
    assert np.abs(given - one / (one + zero)).max() < 0.05


def test_a_model_that_is_too_sure_misleads_likelihood_alone() -> None:
    """Probabilities bent so that no temperature mends them: the matrix still finds nine to one."""
    x, labels = two_gaussians(20_000, 0.5, 0)
    there, _ = two_gaussians(20_000, 0.9, 1)
    logits, other = (torch.tensor(np.stack([-v, v + 1.5], 1)).float() for v in (x, there))
    found = {}
    for name in ("bbse", "label_shift"):
        fitted = adversity.create("uncertainty", name).fit(
            logits, labels, sources={"unlabelled": (other,)}
        )
        found[name] = fitted.ready.state.info["frequencies_after"]["1"]
    assert found["bbse"] == pytest.approx(0.9, abs=0.025)
    assert abs(found["label_shift"] - 0.9) > 0.03


def test_frequencies_below_0_are_said() -> None:
    """Fewer answers than mistakes alone would give: taken as none, with a note."""
    rows, targets = answered(CONFUSED * 100)
    labels = torch.from_numpy(targets)
    fit = adversity.create("uncertainty", "bbse").fit(
        torch.from_numpy(6 * rows).float(),
        labels,
        sources={"unlabelled": (torch.tensor([[6.0, 0, 0]] * 40 + [[0, 6.0, 0]]),)},
    )
    info = fit.ready.state.info
    assert info["note"] == "frequencies below 0 are taken as 0: those of 1, 2"
    assert info["frequencies_after"]["0"] == pytest.approx(1, abs=1e-6)
    assert fit.ready.state.arrays["frequencies"].sum() == pytest.approx(1)


def test_a_matrix_without_an_inverse_is_refused() -> None:
    """By chance, by two classes that are answered alike, and by a class without rows."""
    rng = np.random.default_rng(0)
    rows, targets = answered(CONFUSED * 50)
    alike = rows.copy()
    alike[targets == 1] = alike[targets == 2][: (targets == 1).sum()]
    for wrong in (alike, np.eye(3)[rng.integers(0, 3, len(rows))]):
        with pytest.raises(DataError, match=r"smallest singular value, .*, may be an error of"):
            solved(wrong, targets, rows, NAMES)
    with pytest.raises(DataError, match="most for b, c: hold out more images, or use label_shift"):
        solved(alike, targets, rows, NAMES)
    with pytest.raises(DataError, match=r"2 held-out rows of each class .* got c with fewer"):
        solved(rows[targets < 2], targets[targets < 2], rows, NAMES)
    with pytest.raises(DataError, match="got 1 unlabelled: hold out more"):
        solved(rows, targets, rows[:1], NAMES)
