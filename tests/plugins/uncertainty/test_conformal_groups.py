"""Conformal sets by groups of samples: each group keeps the promise, which one threshold does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import stats

import adversity
from adversity import Block, Predictive, State
from adversity.errors import DataError
from adversity_plugins.uncertainty.decision._conformal_rank import rank_of
from adversity_plugins.uncertainty.decision.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPHA, TESTS = 0.1, 60
SIZES = {"day": 199, "night": 39}
HARDER = {"day": 0.2, "night": 1.0}
"""Scores of a group are uniform from 0 to this: by night true classes have far larger ones."""
Groups = tuple[str | None, ...]


def rows(scores: Sequence[float], groups: Groups) -> Block:
    """Return rows of two classes whose true class, the first, has these scores 1 - p."""
    true = 1 - torch.tensor(scores, dtype=torch.float64)
    ids = tuple(map(str, range(len(scores))))
    targets = torch.zeros(len(scores), dtype=torch.int64)
    return Block(ids, targets=targets, probs=torch.stack([true, 1 - true], 1), groups=groups)


def drawn(rng: np.random.Generator, sizes: dict[str, int]) -> tuple[list[float], Groups]:
    """Draw scores of each group, in one order at random."""
    groups = rng.permutation([name for name, count in sizes.items() for _ in range(count)]).tolist()
    return [float(rng.uniform(0, HARDER[name])) for name in groups], tuple(groups)


def fitted(block: Block, **parameters: Any) -> Conformal:
    """Fit and load."""
    plugin = Conformal(alpha=ALPHA, **parameters)
    plugin.load(plugin.fit([block], np.random.default_rng(0)))  # type: ignore[arg-type]
    return plugin


def held_by_group(plugin: Conformal, block: Block) -> dict[str, int]:
    """Return in how many rows of each group the set holds the true class."""
    sets = plugin.decide(Predictive(block.probs, groups=block.groups)).sets
    assert sets is not None
    groups = np.array(block.groups)
    return {name: int(sets[:, 0].numpy()[groups == name].sum()) for name in HARDER}


@pytest.fixture(scope="module")
def splits() -> dict[str, dict[str, list[int]]]:
    """Over 500 draws, how many truths of each group are held, by groups and by one threshold."""
    rng = np.random.default_rng(7)
    held: dict[str, dict[str, list[int]]] = {}
    for _ in range(500):
        fit = rows(*drawn(rng, SIZES))
        test = rows(*drawn(rng, dict.fromkeys(SIZES, TESTS)))
        for how, plugin in (("groups", fitted(fit, by="light")), ("one", fitted(fit))):
            for name, count in held_by_group(plugin, test).items():
                held.setdefault(how, {}).setdefault(name, []).append(count)
    return held


@pytest.mark.parametrize("name", SIZES)
def test_each_group_has_the_exact_law(splits: Any, name: str) -> None:
    """What is held of a group is beta-binomial with the group's own n: it is a split by itself."""
    n = SIZES[name]
    missing = n + 1 - rank_of(n, ALPHA)
    law = stats.betabinom(TESTS, n + 1 - missing, missing)
    # Ten cells that hold as much as 60 steps allow; such a sample is rejected once in 10 000.
    edges = np.unique(law.ppf(np.linspace(0, 1, 11)[1:-1]))
    cells = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * 500
    seen = np.bincount(np.searchsorted(edges, splits["groups"][name]), minlength=len(cells))
    assert stats.chisquare(seen, cells).pvalue > 1e-4
    assert law.mean() / TESTS >= 1 - ALPHA


def test_one_threshold_breaks_the_promise_in_a_group(splits: Any) -> None:
    """The twin: by day sets hold every truth, and by night fewer than half of them.

    Its threshold is the score of rank 216 of 238. It lies above all of the 199 by day, so it is the
    score of rank 17 of the 39 by night, which a further one keeps in 17 of 40 draws.
    """
    assert set(splits["one"]["day"]) == {TESTS}
    law = stats.betabinom(TESTS, 17, 23)
    three_errors = 3 * law.std() / math.sqrt(500)
    assert np.mean(splits["one"]["night"]) == pytest.approx(law.mean(), abs=three_errors)


def test_a_group_with_too_few_rows_gets_all_classes_and_it_is_said() -> None:
    """Of 8 rows alpha = 0.1 proves nothing; neither of a group never seen, nor of no group."""
    sizes = {"day": 20, "night": 8}
    scores, groups = drawn(np.random.default_rng(0), sizes)
    block = rows([*scores, 0.5], (*groups, None))
    plugin = Conformal(alpha=ALPHA, by="light")
    state = plugin.fit([block], np.random.default_rng(0))  # type: ignore[arg-type]
    assert state.info == {
        "alpha": ALPHA,
        "n": 28,
        "groups": ["day", "night"],
        "note": "1 rows without light were not used; 1 of 2 groups by light have fewer than the 9 "
        "rows that alpha = 0.1 needs (night: 8): their sets hold all classes",
    }
    assert math.isinf(state.arrays["threshold"][1])
    plugin.load(state)
    asked = rows([0.9] * 4, ("day", "night", "dusk", None))
    sets = plugin.decide(Predictive(asked.probs, groups=asked.groups)).sets
    assert sets is not None
    assert sets.tolist() == [[False, True], [True, True], [True, True], [True, True]]


def test_a_group_alone_is_the_plain_method() -> None:
    """With one group the sets are those of one threshold."""
    scores, _ = drawn(np.random.default_rng(1), SIZES)
    block = rows(scores, ("all",) * len(scores))
    plain, grouped = fitted(block), fitted(block, by="light")
    for plugin in (plain, grouped):
        assert plugin._threshold.tolist() == sorted(scores)[rank_of(238, ALPHA) - 1 :][:1]


def test_what_is_missing_is_named() -> None:
    """No groups to fit on, none to decide by, another number of thresholds, both promises at once."""
    block = rows([0.1] * 20, (None,) * 20)
    with pytest.raises(
        DataError, match="goes by light: expected rows in groups to fit on, got none"
    ):
        fitted(block, by="light")
    plugin = fitted(rows([0.1] * 20, ("day",) * 20), by="light")
    with pytest.raises(DataError, match="goes by light: expected groups of the rows, got none"):
        plugin.decide(Predictive(block.probs))
    with pytest.raises(DataError, match="threshold for each of 2 groups, got 1"):
        plugin.load(State({"threshold": np.array([0.1])}, {"groups": ["a", "b"]}))
    with pytest.raises(ValueError, match="expected by_class, or by, got both"):
        Conformal(by="light", by_class=True)


def test_from_python_groups_come_beside_the_logits() -> None:
    """And are asked for, and refused where nothing goes by them."""
    draws = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(60, 3, generator=draws), torch.arange(60) % 3
    groups = ["day", "night"] * 30
    sets = adversity.create("uncertainty", "conformal", by="light")
    with pytest.raises(DataError, match="goes by light: expected the group of each of 60 samples"):
        sets.fit(logits, labels)
    sets = sets.fit(logits, labels, groups=groups)
    both = sets(logits, groups=groups)
    for name in ("day", "night"):
        own = torch.tensor([group == name for group in groups])
        alone = adversity.create("uncertainty", "conformal").fit(logits[own], labels[own])
        assert torch.equal(both[own], alone(logits[own]))
    with pytest.raises(DataError, match="got 59"):
        sets(logits, groups=groups[1:])
    plain = adversity.create("uncertainty", "conformal")
    with pytest.raises(DataError, match="goes by no groups: leave groups= out"):
        plain.fit(logits, labels, groups=groups)
