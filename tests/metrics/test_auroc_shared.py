"""AUROC of groups with samples in common: the covariance, and the bound where few samples decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from adversity import metrics
from adversity.errors import DataError


def drawn(
    rng: np.random.Generator, sizes: tuple[int, int, int], rho: float, truth: float, spread: float
) -> tuple[Any, Any, tuple[Any, Any]]:
    """Draw known ~ N(0, 1) and unknown ~ N(d, spread) whose AUROC is `truth`.

    `sizes` are known, unknown and those in both, whose two scores are correlated by `rho`.
    """
    n, m, both = sizes
    known, unknown = rng.normal(size=n), rng.normal(size=m)
    unknown[:both] = rho * known[:both] + np.sqrt(1 - rho**2) * unknown[:both]
    distance = norm.ppf(truth) * np.hypot(1, spread)
    ids = np.arange(n), np.concatenate([np.arange(both), np.arange(n, n + m - both)])
    order = rng.permutation(m)
    return known, (distance + spread * unknown)[order], (ids[0], ids[1][order])


@pytest.mark.parametrize("sizes", [(80, 60, 40), (60, 60, 60), (50, 90, 50)])
def test_the_covariance_by_hand(sizes: tuple[int, int, int]) -> None:
    """DeLong's variance and twice the covariance of the two placements of samples in both.

    Written as sums over samples: each moves the area by what its two scores do together, so that
    the variance is that of the sum (Obuchowski 1997); rtol 1e-12, sums in another order.
    """
    rng = np.random.default_rng(1)
    known, unknown, ids = drawn(rng, sizes, 0.7, 0.7, 1.0)
    n, m, _ = sizes
    psi = (unknown[:, None] > known) + 0.5 * (unknown[:, None] == known)
    value = psi.mean()
    moved = dict.fromkeys([*ids[0].tolist(), *ids[1].tolist()], 0.0)
    for name, share in zip(ids[0].tolist(), psi.mean(0), strict=True):
        moved[name] += (share - value) / np.sqrt(n * (n - 1))
    for name, share in zip(ids[1].tolist(), psi.mean(1), strict=True):
        moved[name] += (share - value) / np.sqrt(m * (m - 1))
    error = np.sqrt(np.square(list(moved.values())).sum())
    middle, half = np.log(value / (1 - value)), 1.959963984540054 * error / (value * (1 - value))
    measure = metrics.auroc(known, unknown, ids=ids)
    assert (measure.value, measure.method) == (pytest.approx(value, abs=1e-15), "delong, logit")
    assert measure.details["in_both"] == sizes[2]
    expected = 1 / (1 + np.exp(-np.array([middle - half, middle + half])))
    np.testing.assert_allclose([measure.low, measure.high], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("sizes", "rho", "truth", "spread"),
    [
        ((100, 100, 100), -0.9, 0.8, 1.0),
        ((100, 100, 100), 0.9, 0.8, 1.0),
        ((200, 80, 80), -0.9, 0.8, 3.0),
        ((100, 100, 50), 0.9, 0.5, 3.0),
        ((20, 20, 20), -0.9, 0.9, 1.0),
        ((20, 20, 20), 0.9, 0.97, 3.0),
        ((50, 50, 50), -0.9, 0.97, 1.0),
    ],
)
def test_intervals_hold_their_level_where_samples_are_shared(
    sizes: tuple[int, int, int], rho: float, truth: float, spread: float
) -> None:
    """At least 93 % of 600 intervals hold the truth, whichever way the scores are related.

    A method of exactly 95 % stays above 93 % with a chance of .98; the last three lines, where
    the bound serves, are conservative. As if the groups were independent, 86 % do in the first.
    """
    rng = np.random.default_rng(3)
    hits = naive = 0
    for _ in range(600):
        known, unknown, ids = drawn(rng, sizes, rho, truth, spread)
        measure = metrics.auroc(known, unknown, ids=ids)
        assert measure.low is not None
        assert measure.high is not None
        hits += measure.low <= truth <= measure.high
        alone = metrics.auroc(known, unknown)
        assert alone.low is not None
        assert alone.high is not None
        naive += alone.low <= truth <= alone.high
    assert hits >= 0.93 * 600
    assert (sizes, rho) != ((100, 100, 100), -0.9) or naive < 0.9 * 600


def test_an_interval_is_narrower_where_scores_rise_together() -> None:
    """With a correlation of .9 the difference varies less than that of independent samples."""
    known, unknown, ids = drawn(np.random.default_rng(0), (200, 200, 200), 0.9, 0.8, 1.0)
    paired, alone = metrics.auroc(known, unknown, ids=ids), metrics.auroc(known, unknown)
    assert paired.value == alone.value
    assert paired.high - paired.low < 0.7 * (alone.high - alone.low)  # type: ignore[operator]


def test_perfect_separation_of_the_same_samples() -> None:
    """At 1, 20 pairs make 10 independent comparisons: p to the power of 10 is 2.5 % at the bound."""
    ids = (np.arange(20), np.arange(20))
    best = metrics.auroc(np.arange(20.0), np.arange(100.0, 120.0), ids=ids)
    worst = metrics.auroc(np.arange(100.0, 120.0), np.arange(20.0), ids=ids)
    assert (best.low, best.high) == (pytest.approx(0.025 ** (1 / 10), abs=1e-12), 1)
    assert (worst.low, worst.high) == (0, pytest.approx(1 - 0.025 ** (1 / 10), abs=1e-12))
    assert best.method == "chernoff, half of the smaller group"


def test_the_bound_is_chernoffs() -> None:
    """At both ends n times the divergence is log 40; a sample is not compared with itself.

    Each of 8 samples beats itself and all but the largest other: of the 56 comparisons with
    others 7 are lost.
    """
    known = np.array([0.0, 1, 2, 3, 4, 5, 6, 100])
    unknown = np.array([10.0, 11, 12, 13, 14, 15, 16, 200])
    measure = metrics.auroc(known, unknown, ids=(np.arange(8), np.arange(8)))
    assert measure.value == 57 / 64
    share = 49 / 56
    for end in (measure.low, measure.high):
        assert end is not None
        divergence = share * np.log(share / end) + (1 - share) * np.log((1 - share) / (1 - end))
        assert 4 * divergence == pytest.approx(np.log(40), rel=1e-9)


def test_one_sample_against_itself_leaves_all_open() -> None:
    """It is compared with no other: every AUROC is possible."""
    measure = metrics.auroc([0.0], [1.0], ids=(["a"], ["a"]))
    assert (measure.value, measure.low, measure.high) == (1, 0, 1)


def test_ids_of_other_samples_change_nothing() -> None:
    """Where no id is in both groups, the interval is that of independent ones."""
    known, unknown, _ = drawn(np.random.default_rng(0), (30, 20, 0), 0, 0.8, 1.0)
    ids = ([f"a{i}" for i in range(30)], [f"b{i}" for i in range(20)])
    assert metrics.auroc(known, unknown, ids=ids) == metrics.auroc(known, unknown)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((["a", "b"], ["c"]), r"unknown_ids \[2\], one for each unknown score, got \[1\]"),
        ((["a", "a"], ["b", "c"]), "each of known_ids once, got a 2 times"),
    ],
)
def test_ids_that_do_not_name_the_samples_are_refused(ids: Any, message: str) -> None:
    """The message names the group."""
    with pytest.raises(DataError, match=message):
        metrics.auroc([0.0, 1.0], [0.0, 1.0], ids=ids)
