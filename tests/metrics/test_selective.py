"""Selective measures against all orders of ties, closed forms, and coverage of their intervals."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.errors import DataError
from adversity.metrics import augrc, aurc, selective_accuracy


def by_hand(scores: list[int], correct: list[bool]) -> tuple[float, float]:
    """Both areas, averaged over every order that the scores allow."""
    n, areas = len(scores), []
    for order in permutations(range(n)):
        if all(scores[a] <= scores[b] for a, b in pairwise(order)):
            errors = np.cumsum([not correct[at] for at in order])
            areas.append((np.mean(errors / np.arange(1, n + 1)), np.mean(errors / n)))
    first, second = np.mean(areas, axis=0)
    return float(first), float(second)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6))
def test_ties_are_the_mean_of_all_their_orders(rows: list[tuple[int, bool]]) -> None:
    """Each order written out; row order says nothing."""
    scores, correct = [row[0] for row in rows], [row[1] for row in rows]
    expected = by_hand(scores, correct)
    for turn in (slice(None), slice(None, None, -1)):
        found = (aurc(scores[turn], correct[turn]), augrc(scores[turn], correct[turn]))
        assert [one.value for one in found] == pytest.approx(expected, abs=1e-12)


def test_a_score_that_is_always_the_same_has_the_error_rate() -> None:
    """O17: AURC is the error rate, AUGRC half of it (and a bit, for n is no infinity)."""
    correct = np.arange(1000) % 10 > 2
    assert aurc(np.zeros(1000), correct).value == pytest.approx(0.3, abs=1e-12)
    assert augrc(np.zeros(1000), correct).value == pytest.approx(0.3 * 1001 / 2000, abs=1e-12)
    by_rows = np.cumsum(~np.sort(correct)[::-1]) / np.arange(1, 1001)
    assert by_rows.mean() < 0.1, "the twin that takes rows as they come is another number"


def test_the_best_score_has_all_errors_last() -> None:
    """`optimal` is what it reaches; for many samples r + (1 - r) log(1 - r)."""
    correct = np.arange(10_000) >= 2000
    best = aurc(~correct, correct)
    assert best.details["optimal"] == pytest.approx(best.value, abs=1e-12)
    ranked = aurc(np.where(correct, np.arange(10_000) - 20_000, 1.0), correct)
    assert ranked.value == pytest.approx(best.value, abs=1e-12)
    assert best.value == pytest.approx(0.2 + 0.8 * np.log(0.8), abs=1e-3)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 5),
)
def test_what_is_accepted_is_right_so_often(rows: list[tuple[int, bool]], refuse: int) -> None:
    """The last so many of each order written out and left out, in whichever order rows come."""
    n = len(rows)
    refuse %= n
    scores, correct = [row[0] for row in rows], [row[1] for row in rows]
    shares = [
        np.mean([correct[at] for at in order[: n - refuse]])
        for order in permutations(range(n))
        if all(scores[a] <= scores[b] for a, b in pairwise(order))
    ]
    for turn in (slice(None), slice(None, None, -1)):
        found = selective_accuracy(scores[turn], correct[turn], refused=refuse / n)
        assert found.value == pytest.approx(np.mean(shares), abs=1e-12)
        assert found.n == n - refuse


def test_refusing_nothing_is_accuracy_and_a_share_is_of_whole_answers() -> None:
    """0.3 * 10 lies below 3; a score that says nothing leaves the accuracy as it is, at any share."""
    correct = np.arange(10) > 2
    assert selective_accuracy(np.arange(10), correct, refused=0).value == pytest.approx(0.7)
    assert selective_accuracy(np.arange(10), correct, refused=0.1 * 3).n == 7
    assert selective_accuracy(-np.arange(10), correct, refused=0.3).value == 1
    assert selective_accuracy(np.arange(10), correct, refused=0.3).value == pytest.approx(4 / 7)
    assert selective_accuracy(np.zeros(10), correct, refused=0.5).value == pytest.approx(0.7)
    with pytest.raises(DataError, match="refused in"):
        selective_accuracy(np.zeros(10), correct, refused=1)


@pytest.mark.slow
def test_the_interval_of_what_is_accepted_covers() -> None:
    """200 draws of 300: 181 or more hold 1 - (1 - 0.3)^2 / 2 / 0.7 = 0.65; fewer have 1 chance in 500.

    Scores are uniform, and an answer of score s is right with chance 1 - s: of those below 0.7 it
    is so in 1 - 0.35. An interval for all answers, of accuracy 0.5, is the twin that fails.
    """
    rng, held, twin = np.random.default_rng(5), 0, 0
    for _ in range(200):
        scores = rng.random(300)
        correct = rng.random(300) > scores
        found = selective_accuracy(scores, correct, refused=0.3)
        every = selective_accuracy(scores, correct, refused=0)
        held += (found.low or 0) <= 0.65 <= (found.high or 1)
        twin += (every.low or 0) <= 0.65 <= (every.high or 1)
    assert held >= 181
    assert twin < 20


@pytest.mark.slow
@pytest.mark.parametrize("measure", [aurc, augrc])
def test_intervals_cover(measure: object) -> None:
    """150 draws of 120 samples: at least 135 hold the value of a million; 95 % would be 142."""
    assert callable(measure)

    def drawn(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        scores = rng.random(n)
        return scores, rng.random(n) > scores**2

    truth = measure(*drawn(np.random.default_rng(99), 1_000_000)).value
    held = 0
    for seed in range(150):
        found = measure(*drawn(np.random.default_rng(seed), 120))
        held += found.low <= truth <= found.high
    assert held >= 135


def test_groups_count_once() -> None:
    """Each sample five times: the interval is that of the samples, not of the rows."""
    rng = np.random.default_rng(0)
    scores = rng.random(60)
    correct = rng.random(60) > scores
    names = np.repeat(np.arange(60), 5).astype(object)
    alone = aurc(scores, correct)
    rows = aurc(np.repeat(scores, 5), np.repeat(correct, 5))
    grouped = aurc(np.repeat(scores, 5), np.repeat(correct, 5), groups=names)
    widths = [one.high - one.low for one in (alone, rows, grouped)]  # type: ignore[operator]
    assert widths[1] < 0.6 * widths[0]
    assert widths[2] == pytest.approx(widths[0], rel=0.2)


def test_what_cannot_be_ranked_is_refused() -> None:
    """NaN, and arrays of two lengths; one sample, or no error, has no interval."""
    with pytest.raises(DataError, match="with 1 NaN"):
        aurc([0.1, np.nan], [True, False])
    with pytest.raises(DataError, match=r"expected scores and correct \[N\]"):
        augrc([0.1], [True, False])
    assert aurc([0.1], [False]).low is None
    assert aurc([0.1, 0.2], [True, True]).low is None
