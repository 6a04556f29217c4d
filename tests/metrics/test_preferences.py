"""Strengths from votes: closed forms, SciPy's optimiser, coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from adversity.errors import DataError
from adversity.metrics import bradley_terry


def drawn(
    strengths: list[float], votes: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Votes on random pairs, by the model."""
    draws = np.random.default_rng(seed)
    pairs = np.array([draws.choice(len(strengths), 2, replace=False) for _ in range(votes)])
    gap = np.array(strengths)[pairs[:, 0]] - np.array(strengths)[pairs[:, 1]]
    return pairs[:, 0], pairs[:, 1], (draws.random(votes) < 1 / (1 + np.exp(-gap))).astype(float)


def test_two_contenders_have_the_log_odds_of_their_votes() -> None:
    """7 of 10: log(7/3) apart; the error of the log-odds is sqrt(1/7 + 1/3), corrected for n - 1."""
    won = [1.0] * 7 + [0.0] * 3
    ours, theirs = bradley_terry([0] * 10, [1] * 10, won, count=2)
    assert ours.value == pytest.approx(math.log(7 / 3) / 2, abs=1e-12)
    assert ours.value == -theirs.value
    error = math.sqrt(1 / 7 + 1 / 3) / 2 * math.sqrt(10 / 9)
    assert ours.high is not None
    assert ours.high - ours.value == pytest.approx(stats.t.ppf(0.975, 9) * error, rel=1e-9)
    assert (ours.n, ours.details["won"]) == (10, 0.7)


def test_no_preference_is_half_a_vote_for_each() -> None:
    """Two halves are one won and one lost."""
    halves = bradley_terry([0] * 4, [1] * 4, [1, 1, 0.5, 0.5], count=2)
    whole = bradley_terry([0] * 4, [1] * 4, [1, 1, 1, 0], count=2)
    assert halves[0].value == pytest.approx(whole[0].value, abs=1e-12)


def test_strengths_are_those_of_an_optimiser() -> None:
    """SciPy's BFGS on the written-out likelihood of 300 votes among five, to 1e-5."""
    first, second, won = drawn([1.0, 0.5, 0.0, -0.3, -1.2], 300, seed=1)

    def cost(free: np.ndarray) -> float:
        strengths = np.append(free, 0.0)
        gap = strengths[first] - strengths[second]
        return float(np.where(won == 1, np.log1p(np.exp(-gap)), np.log1p(np.exp(gap))).sum())

    best = np.append(optimize.minimize(cost, np.zeros(4)).x, 0.0)
    found = [measure.value for measure in bradley_terry(first, second, won, count=5)]
    assert found == pytest.approx(best - best.mean(), abs=1e-5)
    assert sum(found) == pytest.approx(0.0, abs=1e-9)


def test_intervals_cover_and_votes_of_one_image_widen_them() -> None:
    """Of 300 studies about 95 % hold the strength (15 of 300 miss; 5 to 28 in 99.9 %)."""
    truth = [0.6, 0.0, -0.6]
    missed = 0
    for seed in range(300):
        measure = bradley_terry(*drawn(truth, 150, seed), count=3)[0]
        assert measure.low is not None
        assert measure.high is not None
        missed += not measure.low <= 0.6 <= measure.high
    assert 5 <= missed <= 28
    first, second, won = (np.repeat(part, 4) for part in drawn(truth, 60, seed=3))
    images = [str(at) for at in np.repeat(np.arange(60), 4)]
    alone, grouped = (
        bradley_terry(first, second, won, count=3, groups=groups)[0] for groups in (None, images)
    )
    assert alone.value == grouped.value
    widths = [one.high - one.low for one in (alone, grouped)]  # type: ignore[operator]
    # Four copies of each vote tell nothing new: the interval is that of 60 votes, twice as wide.
    assert widths[1] / widths[0] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    "votes",
    [
        ([0, 0], [1, 1], [1, 1]),
        ([0, 0, 1, 2], [1, 1, 2, 3], [1, 0, 1, 1]),
        ([0, 0, 2, 2], [1, 1, 3, 3], [1, 0, 1, 0]),
    ],
    ids=["one lost all", "two below two", "two apart"],
)
def test_who_only_lost_has_no_finite_strength(
    votes: tuple[list[int], list[int], list[int]],
) -> None:
    """Ford's condition, whatever the number of votes; a number here would be an accident."""
    with pytest.raises(DataError, match="more votes are needed"):
        bradley_terry(*votes, count=max(*votes[0], *votes[1]) + 1)


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        (([0], [1, 1], [1]), r"expected three arrays \[N\]"),
        (([0], [2], [1]), "expected pairs of two of 2 contenders"),
        (([0], [0], [1]), "expected pairs of two of 2 contenders"),
        (([0], [1], [0.7]), "expected votes of 0, 0.5 or 1"),
    ],
)
def test_what_is_no_vote_is_refused(votes: tuple[list[int], ...], message: str) -> None:
    """With what was expected."""
    with pytest.raises(DataError, match=message):
        bradley_terry(*votes, count=2)  # type: ignore[call-arg]


def test_one_image_gives_no_interval() -> None:
    """Its votes say nothing of others."""
    measure = bradley_terry([0] * 4, [1] * 4, [1, 1, 1, 0], count=2, groups=["a"] * 4)[0]
    assert measure.low is None
