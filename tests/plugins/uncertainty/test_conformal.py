"""Conformal sets against the exact law of their coverage, and against counting on a toy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import adversity
from adversity import Block, Predictive
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.decision.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Sequence


def of(probs: Any, targets: Any) -> list[Block]:
    """Return a stream of two blocks."""
    probs, targets = torch.as_tensor(probs), torch.as_tensor(targets)
    cuts = (slice(0, len(probs) // 2), slice(len(probs) // 2, None))
    return [
        Block(tuple(map(str, range(len(probs[cut])))), targets=targets[cut], probs=probs[cut])
        for cut in cuts
    ]


def fitted(probs: Any, targets: Any, alpha: float) -> Conformal:
    """Fit and load."""
    plugin = Conformal(alpha=alpha)
    plugin.load(plugin.fit(of(probs, targets), np.random.default_rng(0)))  # type: ignore[arg-type]
    return plugin


def with_true_score(scores: Sequence[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two-class probabilities whose true class, the first, has these scores 1 - p."""
    true = 1 - torch.tensor(scores, dtype=torch.float64)
    return torch.stack([true, 1 - true], 1), torch.zeros(len(scores), dtype=torch.int64)


@pytest.mark.parametrize(("alpha", "n"), [(0.1, 99), (0.25, 30)])
def test_coverage_has_its_exact_law(alpha: float, n: int) -> None:
    """Over 500 splits the number of held truths is beta-binomial, as scores have no ties."""
    rng, tests = np.random.default_rng(5), 200
    held = []
    for _ in range(500):
        plugin = fitted(*with_true_score(rng.random(n)), alpha)
        probs, _ = with_true_score(rng.random(tests))
        sets = plugin.decide(Predictive(probs)).sets
        assert sets is not None
        held.append(int(sets[:, 0].sum()))
    missing = math.floor((n + 1) * alpha)
    law = stats.betabinom(tests, n + 1 - missing, missing)
    # Ten cells that hold as much as 200 steps allow; such a sample is rejected once in 10 000.
    edges = np.unique(law.ppf(np.linspace(0, 1, 11)[1:-1]))
    cells = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * len(held)
    seen = np.bincount(np.searchsorted(edges, held), minlength=len(cells))
    assert stats.chisquare(seen, cells).pvalue > 1e-4
    assert law.mean() / tests >= 1 - alpha


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=9, unique=True),
    st.sampled_from([0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9]),
)
def test_each_of_n_plus_1_is_left_out_once(scores: list[int], alpha: float) -> None:
    """Of n + 1 samples, each against the others, exactly ceil((n + 1)(1 - alpha)) are held."""
    values = [score / 1000 for score in scores]
    held = 0
    for i, value in enumerate(values):
        plugin = fitted(*with_true_score(values[:i] + values[i + 1 :]), alpha)
        sets = plugin.decide(Predictive(with_true_score([value])[0])).sets
        assert sets is not None
        held += bool(sets[0, 0])
    hundredths = round(100 * (1 - alpha))
    assert held == -(-len(values) * hundredths // 100)


def test_a_set_holds_what_is_not_below_the_threshold() -> None:
    """By hand: of scores .1 .2 .3 .4 and alpha .4 the third counts, so p >= .7 stays."""
    plugin = fitted(*with_true_score([0.3, 0.1, 0.4, 0.2]), 0.4)
    probs = torch.tensor([[0.7, 0.3], [0.69, 0.31], [0.1, 0.9]], dtype=torch.float64)
    sets = plugin.decide(Predictive(probs)).sets
    assert sets is not None
    assert sets.tolist() == [[True, False], [False, False], [False, True]]
    assert sets.dtype == torch.bool


def test_ties_are_held_together() -> None:
    """Where all scores are alike every truth is held, whatever alpha says: probabilities of trees."""
    probs = torch.tensor([[0.6, 0.4]] * 20).float()
    plugin = fitted(probs.double(), torch.zeros(20, dtype=torch.int64), 0.5)
    sets = plugin.decide(Predictive(probs.double())).sets
    assert sets is not None
    assert sets[:, 0].all()
    assert not sets[:, 1].any()


def test_too_few_rows_hold_all_classes_and_say_so() -> None:
    """alpha = 0.1 needs nine rows: with eight every set is full, with nine it is not."""
    plugin = Conformal(alpha=0.1)
    for n, note in ((8, "only 8 rows to fit on, alpha = 0.1 needs at least 9"), (9, "")):
        state = plugin.fit(of(*with_true_score([0.1] * n)), np.random.default_rng(0))  # type: ignore[arg-type]
        assert str(state.info["note"]).startswith(note)
        assert bool(state.info["note"]) == bool(note)
        plugin.load(state)
        sets = plugin.decide(Predictive(with_true_score([0.5])[0])).sets
        assert sets is not None
        assert bool(sets.all()) == bool(note)


def test_from_python_the_fit_and_the_call_see_the_same_numbers() -> None:
    """Float64 logits are rounded in both: the true classes that fitted are held as promised."""
    logits = torch.randn(99, 5, generator=torch.Generator().manual_seed(0)).double()
    labels = torch.arange(99) % 5
    sets = adversity.create("uncertainty", "conformal", alpha=0.1).fit(logits, labels)(logits)
    assert sets.dtype == torch.bool
    assert int(sets.gather(1, labels[:, None]).sum()) == 90  # the rank, ceil(100 * .9)


def test_what_is_missing_is_named() -> None:
    """Not fitted, nothing to fit on, no probabilities, a state of another kind."""
    plugin, rng = Conformal(), np.random.default_rng(0)
    with pytest.raises(NotFittedError, match="expects a fitted threshold"):
        plugin.decide(Predictive(torch.ones(1, 1)))
    with pytest.raises(DataError, match="expects rows to fit on, got none"):
        plugin.fit([], rng)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="got no targets"):
        plugin.fit([Block(("a",), probs=torch.ones(1, 1))], rng)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="got no probabilities"):
        plugin.fit([Block(("a",), targets=torch.zeros(1).long())], rng)  # type: ignore[arg-type]
    for threshold in (-0.5, 2.0, math.nan):
        with pytest.raises(DataError, match="expects a stored threshold from 0 to 1"):
            plugin.load(adversity.State({"threshold": np.array([threshold])}))
    with pytest.raises(DataError, match="got none: use a classifier"):
        fitted(*with_true_score([0.1] * 20), 0.1).decide(Predictive(mean=torch.ones(1, 1)))
