"""Stacking: the weights against closed forms, EM, and the condition of the best; then its use.

The weights are within 1e-8 nats of the best; near it the loss is quadratic, so that a weight may be
1e-4 away from the best one.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import adversity
from adversity import Block, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.ensemble._stacking_weights import likeliest_weights
from adversity_plugins.uncertainty.ensemble.stacking import Stacking


def drawn(rows: int, members: int, seed: int, spread: float = 0.5) -> np.ndarray:
    """Draw what members say of true classes, `[N, M]`, much of it next to 0."""
    return np.random.default_rng(seed).beta(spread, 1, (rows, members))


def gap(truths: np.ndarray, weights: np.ndarray) -> float:
    """Return by how much some weights may be better at most, in nats."""
    return float((truths / (truths @ weights)[:, None]).mean(0).max() - 1)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40))
@example(36, 52, 37)
def test_where_each_row_has_one_member_the_weights_are_shares(a: int, b: int, c: int) -> None:
    """Closed form: members that are alone in knowing a, b and c rows are weighted by these."""
    rows = np.repeat(np.eye(3), (a, b, c), axis=0) * 0.7
    np.testing.assert_allclose(likeliest_weights(rows), np.array([a, b, c]) / len(rows), atol=1e-4)


@given(st.integers(2, 50), st.integers(1, 6), st.integers(0, 999), st.sampled_from([0.02, 0.5, 3]))
def test_no_weights_are_better(rows: int, members: int, seed: int, spread: float) -> None:
    """They are shares, and the condition of the best holds on rows of every sort."""
    truths = np.maximum(drawn(rows, members, seed, spread), 1e-40)
    weights = likeliest_weights(truths)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert gap(truths, weights) < 2e-8


@pytest.mark.parametrize("seed", range(5))
def test_two_members_against_a_search_on_a_line(seed: int) -> None:
    """One weight, found by another program."""
    truths = drawn(200, 2, seed)
    found = minimize_scalar(
        lambda w: -np.log(truths @ [w, 1 - w]).mean(),
        bounds=(0, 1),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert likeliest_weights(truths)[0] == pytest.approx(found.x, abs=1e-4)


def test_against_em() -> None:
    """The rounds of Smyth and Wolpert (1999), many of them, end at the same weights."""
    truths = drawn(300, 4, 7)
    weights = np.full(4, 0.25)
    for _ in range(5000):
        shares = truths * weights
        weights = (shares / shares.sum(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(likeliest_weights(truths), weights, atol=1e-4)


def test_the_order_of_members_and_rows_is_nothing() -> None:
    """Members in another order have their weights in that order."""
    truths = drawn(100, 5, 3)
    weights = likeliest_weights(truths)
    turned = likeliest_weights(truths[::-1, ::-1].copy())
    np.testing.assert_allclose(turned[::-1], weights, atol=1e-4)


def block(members: torch.Tensor, targets: list[int]) -> Block:
    """Return a block of what members say."""
    ids = tuple(map(str, range(len(targets))))
    return Block(ids, targets=torch.tensor(targets), members=members)


def test_what_is_combined_is_the_weighted_mean() -> None:
    """By hand: two members, weights of a quarter and three quarters."""
    plugin = Stacking()
    with pytest.raises(NotFittedError, match="add fit_on: with a step that combines"):
        plugin.combine(torch.ones(2, 1, 2) / 2)
    plugin.load(State({"weights": np.array([0.25, 0.75])}))
    members = torch.tensor([[[0.8, 0.2]], [[0.4, 0.6]]]).double()
    assert plugin.combine(members).tolist() == [[pytest.approx(0.5), pytest.approx(0.5)]]
    with pytest.raises(DataError, match="was fitted on 2 members, got 3"):
        plugin.combine(torch.ones(3, 1, 2) / 2)


@pytest.mark.parametrize("weights", [[0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]])
def test_damaged_weights_are_refused(weights: list[float]) -> None:
    """What is no shares of 1 is not loaded."""
    with pytest.raises(DataError, match="fit it again"):
        Stacking().load(State({"weights": np.array(weights)}))


def test_rows_that_no_member_knows_are_counted() -> None:
    """They say nothing of the weights, and the note says how many they are."""
    certain = torch.tensor([[[1.0, 0.0]] * 4, [[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2]).double()
    state = Stacking().fit([block(certain, [0, 1, 0, 1])], np.random.default_rng(0))
    assert "in 1 of 4 rows no member gives the true class a chance" in state.info["note"]
    assert "only 3 rows to weigh 2 members by" in state.info["note"]
    known = np.array([[1, 0], [0, 1], [1, 1]])
    np.testing.assert_allclose(state.arrays["weights"], likeliest_weights(known))
    with pytest.raises(DataError, match="got 0 from all 2 in each of 1 rows"):
        Stacking().fit([block(certain[:, 3:], [1])], np.random.default_rng(0))


def test_from_python() -> None:
    """Members that say nothing of the labels get no weight; one that is right gets all."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    right = 4 * np.eye(3)[labels] + rng.normal(0, 1, (200, 3))
    logits = torch.from_numpy(np.stack([rng.normal(0, 3, (200, 3)), right])).float()
    combined = adversity.create("uncertainty", "stacking").fit(logits, labels)
    torch.testing.assert_close(combined(logits), logits[1].softmax(1), atol=2e-2, rtol=0)
    with pytest.raises(DataError, match=r"expected logits \[M, N, K\]"):
        adversity.create("uncertainty", "stacking").fit(logits[0], labels)
