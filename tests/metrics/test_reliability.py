"""Reliability bins: edge rules, ties, batching and precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from adversity import metrics
from adversity.errors import DataError
from adversity.metrics import ReliabilityAccumulator, calibration_error
from adversity.metrics.reliability import binned

rows = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def as_arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def same(a: metrics.ReliabilityBins, b: metrics.ReliabilityBins) -> bool:
    return a.records() == b.records() and a.convention == b.convention


def test_confidences_on_an_edge_follow_the_rule() -> None:
    """With 8 bins 10/16 ends the bin of 9/16 (Guo) or starts the next one (left).

    By hand: Guo |1/2 - 19/32| = 3/32; left (7/16 + 10/16) / 2 = 17/32.
    """
    confidence, correct = np.array([9, 10]) / 16, np.array([True, False])
    assert calibration_error(binned(confidence, correct, bins=8)).value == 3 / 32
    assert calibration_error(binned(confidence, correct, bins=8, edge="left")).value == 17 / 32


@pytest.mark.parametrize("edge", ["guo", "left"])
def test_zero_and_one_have_a_bin(edge: str) -> None:
    """Confidence 0 lies in the first bin and 1 in the last: no row is lost, none makes a bin."""
    found = binned([0.0, 1.0, 1.0], [False, True, False], bins=15, edge=edge)  # type: ignore[arg-type]
    assert (found.n.tolist(), found.low[0], found.high[1]) == ([1, 2], 0.0, 1.0)


@given(rows, st.integers(1, 20), st.sampled_from(["guo", "left"]))
def test_bins_equal_a_loop(pairs: list[tuple[float, bool]], bins: int, edge: str) -> None:
    """Counts and verdicts are those of comparing every row with every bin's edges."""
    confidence, correct = as_arrays(pairs)
    found = binned(confidence, correct, bins=bins, edge=edge)  # type: ignore[arg-type]
    edges = np.linspace(0, 1, bins + 1)
    n, right = [], []
    for i in range(bins):
        low, high = edges[i], edges[i + 1]
        if edge == "guo":
            inside = (confidence > low) & (confidence <= high)
            inside |= (confidence == 0) & (i == 0)
        else:
            inside = (confidence >= low) & (confidence < high)
            inside |= (confidence == 1) & (i == bins - 1)
        if inside.any():
            n.append(inside.sum())
            right.append(correct[inside].sum())
    assert found.n.tolist() == n
    assert found.correct.tolist() == right


@given(rows, st.lists(st.integers(0, 60), max_size=5), st.randoms(use_true_random=False))
def test_batches_order_and_merging_change_no_byte(
    pairs: list[tuple[float, bool]], cuts: list[int], random: object
) -> None:
    """Shuffled, cut anywhere and merged from two accumulators: the same bins to the last bit."""
    confidence, correct = as_arrays(pairs)
    order = list(range(len(pairs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    parts = [ReliabilityAccumulator(bins=7), ReliabilityAccumulator(bins=7)]
    for i, batch in enumerate(np.split(np.array(order), sorted(c for c in cuts if c < len(pairs)))):
        if len(batch):
            parts[i % 2].update(confidence[batch], correct[batch])
    parts[1].merge(parts[0])
    assert same(parts[1].value(), binned(confidence, correct, bins=7))


@given(rows, st.integers(1, 20), st.randoms(use_true_random=False))
def test_equal_mass_keeps_ties_together(
    pairs: list[tuple[float, bool]], bins: int, random: object
) -> None:
    """Equal confidences share a bin, so the order of the rows changes no byte."""
    confidence, correct = as_arrays(pairs)
    confidence = np.round(confidence, 1)
    order = list(range(len(pairs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = binned(confidence, correct, bins=bins, spacing="mass")
    assert same(found, binned(confidence[order], correct[order], bins=bins, spacing="mass"))
    assert found.rows == len(pairs)
    assert (found.low[1:] > found.high[:-1]).all()


def test_all_tied_rows_are_one_bin() -> None:
    """100 rows of confidence .7 with 80 right are .1 off, in whatever order they come."""
    correct = np.arange(100) < 80
    measure = calibration_error(binned(np.full(100, 0.7), correct, spacing="mass"))
    assert measure.value == pytest.approx(0.1, abs=1e-15)


def test_a_tied_group_goes_where_its_middle_lies() -> None:
    """Of 7 rows 4 tie on the ranks 2 to 5: their middle is past the half, so the upper bin."""
    confidence = [0.1] * 2 + [0.5] * 4 + [0.9]
    found = binned(confidence, [True] * 7, bins=2, spacing="mass")
    assert (found.n.tolist(), found.low.tolist(), found.high.tolist()) == (
        [2, 5],
        [0.1, 0.5],
        [0.1, 0.9],
    )


@given(st.integers(1, 40), st.integers(1, 200))
def test_equal_mass_bins_are_equal_without_ties(bins: int, n: int) -> None:
    """Distinct confidences fill the bins evenly, to within one row."""
    found = binned(np.linspace(0, 1, n), np.ones(n, bool), bins=bins, spacing="mass")
    assert len(found.n) == min(bins, n)
    assert found.n.max() - found.n.min() <= 1


def test_a_bin_shows_wilson_bars(draw) -> None:
    """Each record holds its count, mean confidence, accuracy and Wilson bounds."""
    logits, labels = draw(n=500)
    found = metrics.reliability(logits=logits, labels=labels)
    top = softmax(logits, axis=1).max(axis=1)
    for record in found.records():
        inside = (top > record["low"]) & (top <= record["high"])
        assert record["n"] == inside.sum()
        assert record["confidence"] == pytest.approx(top[inside].mean(), abs=1e-14)
        right = (logits.argmax(axis=1) == labels)[inside]
        assert record["accuracy"] == right.mean()
        bounds = metrics.wilson(int(right.sum()), len(right))
        assert (record["accuracy_low"], record["accuracy_high"]) == bounds


@given(st.integers(2, 70), st.integers(1, 30), st.integers(0, 5))
def test_the_first_of_equal_classes_is_the_top_one(classes: int, n: int, seed: int) -> None:
    """However many classes, and many of them tied: what argmax says of each row."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 4, (n, classes)).astype(np.float64)
    probs, labels = scores / scores.sum(axis=1, keepdims=True), rng.integers(0, classes, n)
    top, right = metrics.top_class(probs, labels)
    assert top.tolist() == probs.max(axis=1).tolist()
    assert right.tolist() == (probs.argmax(axis=1) == labels).tolist()


@pytest.mark.slow
def test_forty_million_rows_keep_their_precision() -> None:
    """Confidence .9 with 45 % right is .450 off, where float32 sums stop at 2^24 rows."""
    seen = ReliabilityAccumulator()
    for _ in range(40):
        seen.update(np.full(1_000_000, 0.9), np.arange(1_000_000) % 20 < 9)
    assert calibration_error(seen.value()).value == pytest.approx(0.45, abs=1e-15)
    assert seen.value().rows == 40_000_000


@pytest.mark.parametrize(
    "call",
    [
        lambda: ReliabilityAccumulator().value(),
        lambda: ReliabilityAccumulator(bins=0),
        lambda: ReliabilityAccumulator(edge="right"),  # type: ignore[arg-type]
        lambda: ReliabilityAccumulator().update([1.5], [True]),
        lambda: ReliabilityAccumulator().update([np.nan], [True]),
        lambda: ReliabilityAccumulator().update([0.5, 0.5], [True]),
        lambda: ReliabilityAccumulator().merge(ReliabilityAccumulator(bins=3)),
        lambda: binned([0.5], [True], spacing="rank"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_binned_is_refused(call) -> None:
    """No rows, unknown rules, values outside [0, 1] and unlike accumulators are refused."""
    with pytest.raises(DataError, match="expected"):
        call()
