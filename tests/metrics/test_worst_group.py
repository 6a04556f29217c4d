"""The worst sub-population: its value, and intervals that hold for all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from adversity import metrics
from adversity.errors import DataError


def drawn(seed: int, truths: Any, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return verdicts of so many samples of each sub-population, and their names."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"g{k}" for k in range(len(truths))], n).astype(object)
    return rng.random(len(names)) < np.repeat(truths, n), names


def test_all_sub_populations_by_hand() -> None:
    """Each with Clopper and Pearson's interval at 1 - 0.05 / 3, by scipy's quantiles."""
    names = np.array(["a"] * 10 + ["b"] * 20 + ["c"] * 8 + [None] * 4, dtype=object)
    right = np.arange(42) % 3 > 0
    right[10:30] = True
    found = metrics.worst_group_accuracy(right, names)
    assert found is not None
    shares = {name: right[names == name] for name in "abc"}
    assert found.value == min(own.mean() for own in shares.values())
    assert found.n == 38
    tail, bounds = 0.05 / 3 / 2, {}
    for name, own in shares.items():
        k, n = own.sum(), len(own)
        low = beta.ppf(tail, k, n - k + 1)
        bounds[name] = (low, 1.0 if k == n else beta.ppf(1 - tail, k + 1, n - k))
    for record in found.details["groups"]:
        assert (record["low"], record["high"]) == pytest.approx(bounds[record["group"]], abs=1e-9)
    assert found.low == pytest.approx(min(low for low, _ in bounds.values()), abs=1e-9)
    assert found.high == pytest.approx(min(high for _, high in bounds.values()), abs=1e-9)
    assert [record["group"] for record in found.details["groups"]][-1] == "b"


@pytest.mark.parametrize("truths", [[0.9] * 10, [0.95] * 9 + [0.7], [0.6, 0.65, 0.9, 0.99]])
def test_the_interval_holds_the_smallest_true_accuracy(truths: Any) -> None:
    """In 95 % of draws or more. The worst one's own interval does not: it was chosen for being low."""
    held, own = 0, 0
    for seed in range(300):
        found = metrics.worst_group_accuracy(*drawn(seed, truths))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= min(truths) <= found.high
        low, high = metrics.wilson(round(found.value * 40), 40)
        own += low <= min(truths) <= high
    assert held >= 285
    # Ten alike: the lowest of ten lies far below, and its own interval misses what all have.
    assert truths != [0.9] * 10 or own < 0.85 * 300


def test_the_gap_is_signed_and_is_the_farthest() -> None:
    """One sub-population too sure, one not sure enough: the farther one, and all intervals at once."""
    truth, hits = {"sure": 0.2, "fair": 0.0, "shy": -0.3}, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        names = np.repeat(list(truth), 60).astype(object)
        confidence = rng.uniform(0.5, 0.7, 180)
        right = rng.random(180) < confidence - np.repeat(list(truth.values()), 60)
        found = metrics.worst_group_gap(confidence, right, names)
        assert found is not None
        records = {record["group"]: record for record in found.details["groups"]}
        own = {name: (confidence - right)[names == name].mean() for name in truth}
        assert found.value == pytest.approx(max(own.values(), key=abs), abs=1e-12)
        hits += all(records[g]["low"] <= gap <= records[g]["high"] for g, gap in truth.items())
    # Student's alone hold 0.89: of 60 verdicts that are nearly all right it is too short.
    assert hits >= 185


def test_samples_in_groups_widen_it() -> None:
    """Copies of one image say no more than one: the interval of ten copies is not narrower."""
    right, names = drawn(0, [0.8, 0.9, 0.7], 30)
    alone = metrics.worst_group_accuracy(right, names)
    copies = [np.repeat(each, 10) for each in (right, names, np.arange(90))]
    grouped = metrics.worst_group_accuracy(*copies[:2], groups=copies[2])
    ignored = metrics.worst_group_accuracy(*copies[:2])
    assert alone is not None
    assert grouped is not None
    assert ignored is not None
    assert grouped.value == alone.value
    assert grouped.method == "wilson, of all at once, grouped"

    def width(measure: Any) -> float:
        return float(measure.high - measure.low)

    assert width(grouped) > 0.9 * width(alone) > 1.8 * width(ignored)


def test_small_ones_are_left_out_and_counted() -> None:
    """One sample that is wrong makes no accuracy of 0; without any left there is no measure."""
    right = [True] * 9 + [False]
    names = ["many"] * 9 + ["one"]
    found = metrics.worst_group_accuracy(right, names, at_least=2)
    assert found is not None
    assert (found.value, found.n) == (1.0, 9)
    assert found.convention["left_out"] == "1 of fewer than 2 samples"
    every = metrics.worst_group_accuracy(right, names)
    assert every is not None
    assert every.value == 0
    assert metrics.worst_group_accuracy(right, names, at_least=10) is None
    assert metrics.worst_group_gap([0.5] * 10, right, names, at_least=10) is None


def test_what_does_not_fit_is_refused() -> None:
    """The message has what came."""
    with pytest.raises(DataError, match="for each of 2 samples, got 3"):
        metrics.worst_group_accuracy([True, False], ["a", "b", "c"])
    with pytest.raises(DataError, match="at most 1000 sub-populations, got 1001"):
        metrics.worst_group_accuracy([True] * 1001, np.arange(1001))
    with pytest.raises(DataError, match="at_least as a whole number, 1 or more, got 0"):
        metrics.worst_group_accuracy([True], ["a"], at_least=0)
