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
from adversity_plugins.uncertainty.decision._class_scores import class_scores
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
    for threshold in (-0.5, math.nan):
        with pytest.raises(DataError, match="expects stored thresholds from 0 on"):
            plugin.load(adversity.State({"threshold": np.array([threshold])}))
    with pytest.raises(DataError, match="got none: use a classifier"):
        fitted(*with_true_score([0.1] * 20), 0.1).decide(Predictive(mean=torch.ones(1, 1)))


def drawn(n: int, seed: int, classes: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers of a classifier that is right about itself: labels are drawn by its probabilities."""
    draws = torch.Generator().manual_seed(seed)
    sharp = 4 * torch.rand(n, 1, generator=draws, dtype=torch.float64)
    logits = sharp * torch.randn(n, classes, generator=draws, dtype=torch.float64)
    probs = logits.softmax(1)
    return probs, torch.multinomial(probs, 1, generator=draws)[:, 0]


def test_aps_and_raps_are_sums_over_likelier_classes() -> None:
    """By hand: of .5 .2 .2 .1 the equal ones have one score; a penalty from the second on."""
    probs = torch.tensor([[0.2, 0.5, 0.1, 0.2]], dtype=torch.float64)
    aps = class_scores(probs, "aps")
    torch.testing.assert_close(aps, torch.tensor([[0.5, 0.0, 0.9, 0.5]], dtype=torch.float64))
    raps = class_scores(probs, "raps", penalty=0.1, free=1)
    torch.testing.assert_close(raps, torch.tensor([[0.7, 0.0, 1.2, 0.7]], dtype=torch.float64))
    swapped = class_scores(probs[:, [3, 1, 2, 0]], "aps")
    assert torch.equal(swapped, aps[:, [3, 1, 2, 0]]), "the order of classes says nothing"


@pytest.mark.parametrize("score", ["aps", "raps"])
def test_their_coverage_has_the_exact_law_too(score: str) -> None:
    """Any score has it: the mean over 500 splits of 49 rows is k / (n + 1) = 45 / 50, to 3 errors."""
    held, tests = [], 100
    for seed in range(500):
        plugin = Conformal(alpha=0.1, score=score)  # type: ignore[arg-type]
        plugin.load(plugin.fit(of(*drawn(49, seed)), np.random.default_rng(0)))  # type: ignore[arg-type]
        probs, targets = drawn(tests, seed + 10_000)
        sets = plugin.decide(Predictive(probs)).sets
        assert sets is not None
        held.append(float(sets.gather(1, targets[:, None]).double().mean()))
    law = stats.betabinom(tests, 45, 5)
    assert np.mean(held) == pytest.approx(0.9, abs=3 * law.std() / tests / math.sqrt(500))


def test_raps_has_fewer_large_sets_than_aps_and_neither_an_empty_one() -> None:
    """At the same coverage."""
    probs, targets = drawn(4000, 1)
    test, truth = drawn(4000, 2)
    sizes = {}
    for score in ("thr", "aps", "raps"):
        plugin = Conformal(score=score, penalty=0.2, free=1)  # type: ignore[arg-type]
        plugin.load(plugin.fit(of(probs, targets), np.random.default_rng(0)))  # type: ignore[arg-type]
        sets = plugin.decide(Predictive(test)).sets
        assert sets is not None
        sizes[score] = sets.sum(1)
        held = float(sets.gather(1, truth[:, None]).double().mean())
        assert held == pytest.approx(0.9, abs=0.02), "three standard errors of both draws"
    assert int((sizes["raps"] >= 5).sum()) < int((sizes["aps"] >= 5).sum())
    assert min(int(sizes["aps"].min()), int(sizes["raps"].min())) >= 1


def test_by_class_each_class_keeps_the_promise() -> None:
    """A class that the classifier never believes in is missed by one threshold, and held by its own."""
    draws = torch.Generator().manual_seed(3)
    targets = torch.randint(0, 3, (6000,), generator=draws)
    logits = torch.randn(6000, 3, generator=draws, dtype=torch.float64)
    logits[torch.arange(6000), targets] += 2.0
    logits[:, 2] -= 3.0
    probs = logits.softmax(1)
    fit, test = slice(0, 3000), slice(3000, None)
    covered = {}
    for by_class in (False, True):
        plugin = Conformal(by_class=by_class)
        plugin.load(plugin.fit(of(probs[fit], targets[fit]), np.random.default_rng(0)))  # type: ignore[arg-type]
        sets = plugin.decide(Predictive(probs[test])).sets
        assert sets is not None
        held = sets.gather(1, targets[test][:, None])[:, 0]
        covered[by_class] = [float(held[targets[test] == k].double().mean()) for k in range(3)]
    assert covered[False][2] < 0.8
    # About 1000 rows a class: three standard errors of .9 are .028, and as much for the fit.
    assert covered[True] == pytest.approx([0.9] * 3, abs=0.04)


def test_a_class_with_too_few_rows_is_in_every_set() -> None:
    """And said aloud."""
    probs, targets = drawn(300, 4, classes=3)
    targets[targets == 2] = 0
    targets[:5] = 2
    plugin = Conformal(by_class=True)
    state = plugin.fit(of(probs, targets), np.random.default_rng(0))  # type: ignore[arg-type]
    assert state.info["note"] == (
        "1 of 3 classes have fewer than the 9 rows that alpha = 0.1 needs, 5 at least: every set "
        "holds them"
    )
    plugin.load(state)
    sets = plugin.decide(Predictive(probs)).sets
    assert sets is not None
    assert sets[:, 2].all()
    with pytest.raises(DataError, match="was fitted on 3 classes, got 4"):
        plugin.decide(Predictive(torch.full((1, 4), 0.25, dtype=torch.float64)))
